import { argumentsOf, UsageError } from "../usage.ts";

export const HELP = `Usage: npm run keys -- status | rotate | retire | generate

The master key that messages are encrypted under: a file, MASTER_KEY_FILE or DATA_DIR/master.key, or MASTER_KEY itself. It
works on the running node.
  status    which master keys there are, and how many keys of channels, and of the node itself, are under each
  rotate    a new master key, and every channel's key under it; the old one stays in the file until it is retired
  retire    takes the old ones out of the file, once nothing is under them
  generate  prints a new key, for MASTER_KEY; changes nothing

  --help             this text

Environment:
  MASTER_KEY_FILE, MASTER_KEY, DATA_DIR
                     where the node has its master key, as it was started (default: $DATA_DIR/master.key, DATA_DIR default ./data)
  NATS_URL           the nats-server of the node (default: the one that runs on $DATA_DIR)

Exit code: 0 done, 2 not done. What breaks off can be done again: no key is lost.`;

const actions = ["status", "rotate", "retire", "generate"] as const;
export type Action = (typeof actions)[number];

/** @returns undefined for --help @throws UsageError */
export function actionOf(args: readonly string[]): Action | undefined {
  const { values, positionals } = argumentsOf({
    args: [...args],
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help === true) return;
  const [action, ...more] = positionals;
  const known = actions.find((one) => one === action);
  if (known === undefined || more.length > 0) throw new UsageError(`what to do: ${actions.join(", ")}?`);
  return known;
}
