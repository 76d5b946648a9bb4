import { registry } from "../../actors/registry.ts";
import type { Clock, Ports } from "../../runtime/ports/index.ts";
import type { Output } from "../replay/output.ts";
import { printable, printableJson } from "../server/printable.ts";
import { type ExitCode, telling } from "../telling.ts";
import { type CheckResult, JournalCheck } from "./journal-check.ts";
import { readVerifyOptions, VERIFY_HELP } from "./options.ts";
import { problemKinds } from "./problems.ts";
import { startProgress } from "./progress.ts";
import { type DepartedEntries, readDepartures, readJournal } from "./read-journal.ts";
import { readSnapshots } from "./read-snapshots.ts";

/** What the command needs from outside. */
export interface VerifyContext {
  readonly out: Output;
  readonly clock: Clock;
  /** Connects to the running node's server. @throws NoServer */
  readonly open: () => Promise<
    Pick<Ports, "journal" | "state"> & { readonly departed?: DepartedEntries; close(): Promise<void> }
  >;
}

function textOf({ envelopes, archived, events, actors, problems }: CheckResult, seconds: number): string {
  const perSecond = Math.round(envelopes / seconds);
  const kinds = Object.entries(actors).map(([kind, count]) => `${kind} ${count}`);
  const lines = problems.flatMap(({ kind, count, sequence, actor, detail }) => [
    `PROBLEM ${kind}, ${count} times: ${problemKinds[kind]}`,
    printable(`  first at sequence ${sequence}${actor === "" ? "" : `, ${actor}`}: ${detail}`),
  ]);
  return [
    `${envelopes} envelopes${archived === 0 ? "" : `, ${archived} of them in the archive alone`}, ${events} events; ${kinds.join(", ") || "no actors"}`,
    `${seconds.toFixed(1)} s, ${perSecond} envelopes/s`,
    ...lines,
    problems.length === 0 ? "nothing is wrong" : `${problems.length} kinds of problems`,
  ].join("\n");
}

async function verify(json: boolean, { out, clock, open }: VerifyContext): Promise<ExitCode> {
  const { journal, state, departed, close } = await open();
  try {
    const until = await journal.lastSequence();
    const startMs = clock.monotonicMs();
    const progress = startProgress(out, until, clock);
    const check = new JournalCheck(registry);
    try {
      await readJournal(journal, until, clock, check, (position) => progress.update(position), departed);
      await readDepartures(journal, check);
      await readSnapshots(journal, state, check);
    } finally {
      progress.stop();
    }
    const result = check.end();
    const seconds = Math.max(0.001, (clock.monotonicMs() - startMs) / 1_000);
    const ok = result.problems.length === 0;
    const perSecond = Math.round(result.envelopes / seconds);
    if (json) out.result(printableJson({ ok, ...result, lastSequence: check.position, seconds, perSecond }));
    else out.result(textOf(result, seconds));
    return ok ? 0 : 1;
  } finally {
    await close();
  }
}

/** The command. */
export function runVerify(args: readonly string[], context: VerifyContext): Promise<ExitCode> {
  const { out } = context;
  return telling("verify", out, async () => {
    const options = readVerifyOptions(args);
    if (options !== "help") return await verify(options.json, context);
    out.result(VERIFY_HELP);
    return 0;
  });
}
