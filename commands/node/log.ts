import pino from "pino";
import type { Log } from "../../runtime/ports/index.ts";

/** JSON lines on standard error: standard output is for what a person asked for. */
export function createLog(level: string): Log {
  const logger = pino({ level, serializers: { error: pino.stdSerializers.err } }, pino.destination(2));
  return {
    info: (details, message) => logger.info(details, message),
    warn: (details, message) => logger.warn(details, message),
    error: (details, message) => logger.error(details, message),
  };
}
