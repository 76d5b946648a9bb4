import { parseArgs } from "node:util";

export const HELP = `usage: npm run keys -- status | rotate | retire | generate

The master key that messages are encrypted under: a file, MASTER_KEY_FILE or DATA_DIR/master.key, or MASTER_KEY itself. It
works on the running node.
  status    which master keys there are, and how many keys of channels, and of the node itself, are under each
  rotate    a new master key, and every channel's key under it; the old one stays in the file until it is retired
  retire    takes the old ones out of the file, once nothing is under them
  generate  prints a new key, for MASTER_KEY; changes nothing
`;

const actions = ["status", "rotate", "retire", "generate"] as const;
export type Action = (typeof actions)[number];

/** @returns undefined for --help @throws for anything that is no action */
export function actionOf(args: readonly string[]): Action | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help === true) return;
  const [action, ...more] = positionals;
  const known = actions.find((one) => one === action);
  if (known === undefined || more.length > 0) throw new Error(`one of ${actions.join(", ")}; see --help`);
  return known;
}
