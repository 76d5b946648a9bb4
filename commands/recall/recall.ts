import { Client, clientDefaults } from "../../runtime/client.ts";
import { PARTITIONS_DEFAULT } from "../../runtime/placement/partition.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import { isSafeToken } from "../../schema/subjects.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { type ExitCode, telling } from "../telling.ts";
import { argumentsOf, UsageError } from "../usage.ts";

const HELP = `Usage: npm run recall -- INCIDENT…

Brings incidents back that are in the archive alone: lists show them again, until they have been at rest as long as before. What
happened to them before stays where it is. Who only wants to read one, or to reopen it, need not do this.
INCIDENT is an incident's id.

  --help             this text

Environment:
  NATS_URL           the nats-server of the node (default: the one that runs on $DATA_DIR, DATA_DIR default ./data)

Exit code: 0 all are back, 1 not all of them, 2 could not begin.`;

export interface RecallContext {
  readonly out: Output;
  /** Connects to the running node's server. @throws NoServer */
  readonly open: () => Promise<Ports & { close(): Promise<void> }>;
}

/** The command. */
export function runRecall(args: readonly string[], { out, open }: RecallContext): Promise<ExitCode> {
  return telling("recall", out, async () => {
    const ids = readIds(args);
    if (ids !== "help") return await recall(ids, out, await open());
    out.result(HELP);
    return 0;
  });
}

async function recall(
  ids: readonly string[],
  out: Output,
  ports: Ports & { close(): Promise<void> },
): Promise<ExitCode> {
  try {
    const partitions = Number((await ports.config.get("partitions"))?.value ?? PARTITIONS_DEFAULT);
    const client = new Client(ports, { ...clientDefaults, partitions });
    const options = { by: systemPrincipal("operator"), requestId: ports.ids.token() };
    let missing = 0;
    for (const id of ids) {
      const reply = await client.ask({ kind: "incident", id }, { type: "restore" }, options);
      if (!reply.ok) missing += 1;
      out.result(
        `${id}  ${reply.ok ? `is back, version ${reply.version}` : printable(`${reply.code}: ${reply.detail}`)}`,
      );
    }
    return missing === 0 ? 0 : 1;
  } finally {
    await ports.close();
  }
}

function readIds(args: readonly string[]): readonly string[] | "help" {
  const options = { help: { type: "boolean", short: "h" } } as const;
  const { values, positionals } = argumentsOf({ args: [...args], allowPositionals: true, options });
  if (values.help === true) return "help";
  if (positionals.length === 0) throw new UsageError("which incidents? Name their ids");
  const wrong = positionals.find((id) => !isSafeToken(id));
  if (wrong !== undefined) throw new UsageError(`"${printable(wrong)}" is no id`);
  return [...new Set(positionals)];
}
