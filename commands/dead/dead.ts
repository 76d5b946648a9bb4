import { registry } from "../../actors/registry.ts";
import { Client, clientDefaults } from "../../runtime/client.ts";
import { PARTITIONS_DEFAULT } from "../../runtime/placement/partition.ts";
import type { DeadLetters, Ports } from "../../runtime/ports/index.ts";
import type { Output } from "../replay/output.ts";
import { type ExitCode, telling } from "../telling.ts";
import { letterJson, lettersTable } from "./letter-text.ts";
import { letterAt, lettersAfter } from "./letters.ts";
import { DEAD_HELP, type DeadOptions, readDeadOptions } from "./options.ts";
import { replayLetters } from "./replay-letters.ts";

/** What the command needs from outside. */
export interface DeadContext {
  readonly out: Output;
  /** Connects to the running node's server. @throws NoServer */
  readonly open: () => Promise<Ports & { close(): Promise<void> }>;
}

/** Lines of a table whose columns are aligned with each other. */
const TABLE_LINES = 1_000;

async function list(
  { after, limit, json }: DeadOptions & { action: "list" },
  deadLetters: DeadLetters,
  out: Output,
): Promise<ExitCode> {
  let lines: Parameters<typeof lettersTable>[0][number][] = [];
  let shown = 0;
  let last = after;
  let more = false;
  const flush = () => {
    if (lines.length > 0) out.result(lettersTable(lines));
    lines = [];
  };
  for await (const letter of lettersAfter(deadLetters, after)) {
    if (shown === limit) {
      more = true;
      break;
    }
    shown += 1;
    last = letter.sequence;
    if (json) out.result(letterJson(letter));
    // What a line of the table does not show need not be held.
    else if (lines.push({ ...letter, message: null }) === TABLE_LINES) flush();
  }
  flush();
  if (shown === 0) out.note(after === 0 ? "there are no dead letters" : `there is none after ${after}`);
  if (more) out.note(`there are more: --after ${last}, or a greater --limit`);
  return 0;
}

async function show(sequence: number, deadLetters: DeadLetters, out: Output): Promise<ExitCode> {
  const letter = await letterAt(deadLetters, sequence);
  if (letter === undefined) {
    out.note(`there is no letter ${sequence}`);
    return 1;
  }
  out.result(letterJson(letter, 2));
  return 0;
}

async function remove(sequences: readonly number[], deadLetters: DeadLetters, out: Output): Promise<ExitCode> {
  let missing = 0;
  for (const sequence of sequences) {
    const known = (await letterAt(deadLetters, sequence)) !== undefined;
    if (known) await deadLetters.remove(sequence);
    else missing += 1;
    out.result(`${sequence}  ${known ? "removed" : "there is no such letter"}`);
  }
  return missing === 0 ? 0 : 1;
}

async function replay(sequences: readonly number[] | "all", ports: Ports, out: Output): Promise<ExitCode> {
  // As the cluster was made: the environment of this command may say something else.
  const partitions = Number((await ports.config.get("partitions"))?.value ?? PARTITIONS_DEFAULT);
  const client = new Client(ports, { ...clientDefaults, partitions });
  return (await replayLetters(sequences, { ports, client, registry, out })) ? 0 : 1;
}

function perform(options: DeadOptions, ports: Ports, out: Output): Promise<ExitCode> {
  switch (options.action) {
    case "list":
      return list(options, ports.deadLetters, out);
    case "show":
      return show(options.sequence, ports.deadLetters, out);
    case "replay":
      return replay(options.sequences, ports, out);
    case "remove":
      return remove(options.sequences, ports.deadLetters, out);
  }
}

/** The command. */
export function runDead(args: readonly string[], { out, open }: DeadContext): Promise<ExitCode> {
  return telling("dead", out, async () => {
    const options = readDeadOptions(args);
    if (options === "help") {
      out.result(DEAD_HELP);
      return 0;
    }
    const ports = await open();
    try {
      return await perform(options, ports, out);
    } finally {
      await ports.close();
    }
  });
}
