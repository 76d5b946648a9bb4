import { argumentsOf } from "../usage.ts";
import { problemKinds } from "./problems.ts";

const KINDS = Object.entries(problemKinds)
  .map(([kind, meaning]) => `  ${kind.padEnd(18)} ${meaning}`)
  .join("\n");

export const VERIFY_HELP = `Usage: npm run verify -- [--json]

Reads the whole journal of a running node, from its first entry to the last one there is at the start, and checks that it
tells one true story, and that the actors' snapshots are of it. Nothing is changed. It takes memory as the node does: every incident and unit once.

Problems, of each of which the first place is shown:
${KINDS}

Options:
  --json             print the result as JSON on standard output
  --help             this text

Environment:
  NATS_URL           the nats-server of the node (default: the one that runs on $DATA_DIR, DATA_DIR default ./data)
  DATABASE_URL       its archive, which has what has left the journal (default: the one that runs on $DATA_DIR)

Exit code: 0 nothing is wrong, 1 something is, 2 it could not be read.`;

export interface VerifyOptions {
  readonly json: boolean;
}

/**
 * @returns "help" where help was asked for
 * @throws UsageError
 */
export function readVerifyOptions(args: readonly string[]): VerifyOptions | "help" {
  const { values } = argumentsOf({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return values.help ? "help" : { json: values.json };
}
