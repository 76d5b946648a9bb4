import { z } from "zod";
import { archiveSettings } from "../node/configuration.ts";

const schema = z.object({
  ...archiveSettings,
  NATS_URL: z.string(),
  DATABASE_URL: z.string(),
  REPLICAS: z.coerce.number().int().default(1),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

/** @throws Error naming every variable that does not fit */
export function readArchiveConfiguration(environment: NodeJS.ProcessEnv): z.infer<typeof schema> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"));
}
