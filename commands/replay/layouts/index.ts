import type { Layout } from "./layout.ts";
import { montco911 } from "./montco-911.ts";
import { sfFireCalls } from "./sf-fire-calls.ts";

/** Every layout that can be replayed. */
export const layouts: readonly Layout[] = [sfFireCalls, montco911];
