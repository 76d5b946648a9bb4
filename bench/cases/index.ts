import type { BenchCase } from "../case.ts";
import { createIncident } from "./create-incident.ts";
import { mixedLifecycle } from "./mixed-lifecycle.ts";

/** All there are, in the order in which they run. */
export const cases: readonly BenchCase[] = [createIncident, mixedLifecycle];
