import { setTimeout as sleep } from "node:timers/promises";
import { subjects } from "../../schema/subjects.ts";
import { type ArchiveBench, caughtUp } from "./archive.ts";
import { envelopesOf, recordOf } from "./past.ts";

/** What is due is sent so often, by the clock: what a late timer has missed goes with the next turn. */
const TICK_MS = 10;

export interface Rates {
  readonly eventsPerSecond: number;
  readonly fixesPerSecond: number;
  readonly seconds: number;
  /** Of the incidents: no number comes twice. */
  readonly numberFrom: number;
}

export interface Lag {
  readonly of: "events" | "fixes";
  readonly count: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Keeps the rates for a while, and tells how long it took from writing an entry to the commit of its row, by the commit
 * timestamps of PostgreSQL, on the same clock.
 */
export async function measureLag(bench: ArchiveBench, rates: Rates): Promise<readonly Lag[]> {
  const { ports, client } = bench;
  const eventsFrom = (await ports.sources.events.state()).last;
  const startedAt = new Date(ports.clock.now()).toISOString();
  const { events, fixes, seconds } = await keepRates(bench, rates);
  await caughtUp(bench);
  const tell = async (of: Lag["of"], count: number, table: string, where: string, value: unknown): Promise<Lag> => {
    const { rows } = await client.query(
      `select percentile_cont(0.5) within group (order by ms) as p50, percentile_cont(0.99) within group (order by ms) as p99,
              max(ms) as max, count(*)::integer as count
       from (select extract(epoch from pg_xact_commit_timestamp(xmin) - at)::double precision * 1000 as ms
             from ${table} where ${where}) as lags`,
      [value],
    );
    const { p50, p99, max, count: archived } = rows[0];
    if (archived !== count) throw new Error(`${count} ${of} were written, ${archived} archived`);
    return { of, count, perSecond: count / seconds, p50Ms: p50, p99Ms: p99, maxMs: max };
  };
  return [
    await tell("events", events, "tocsin.audit_log", "sequence > $1", eventsFrom),
    await tell("fixes", fixes, "tocsin_positions.location_history", "at >= $1", startedAt),
  ];
}

async function keepRates({ ports }: ArchiveBench, { eventsPerSecond, fixesPerSecond, seconds, numberFrom }: Rates) {
  const { clock, journal, telemetry } = ports;
  const envelopes = envelopesOf(Number.POSITIVE_INFINITY, ports, clock.now(), 2_000, numberFrom);
  const fences = new Map<string, number>();
  let events = 0;
  let fixes = 0;
  const startedMs = performance.now();
  const elapsed = () => (performance.now() - startedMs) / 1_000;
  while (elapsed() < seconds) {
    const at = new Date(clock.now()).toISOString();
    const due = (perSecond: number, done: number) => Math.max(0, Math.floor(elapsed() * perSecond) - done);
    // Of one actor only one entry in a batch: its fence is not known before.
    const batch = Array.from({ length: Math.min(journal.maxBatch, due(eventsPerSecond, events)) }, () => ({
      ...envelopes.next().value!,
      at,
    }));
    const records = Array.from({ length: due(fixesPerSecond, fixes) }, (_, index) =>
      recordOf(fixes + index, clock.now()),
    );
    events += batch.length;
    fixes += records.length;
    const appends = batch.map((envelope) => ({
      subject: subjects.events(envelope.agency, envelope),
      payload: JSON.stringify(envelope),
      expectedSequence: fences.get(envelope.id) ?? 0,
    }));
    // The fences of a batch are needed by the next one.
    await Promise.all([
      appends.length === 0
        ? undefined
        : journal.append(appends).then((result) => {
            if (!result.ok) throw new Error("a fence failed while the rate was kept");
            for (const [index, { id }] of batch.entries()) fences.set(id, result.sequences[index]!);
          }),
      ...chunksOf(records, telemetry.maxBatch).map((chunk) => telemetry.append(chunk)),
    ]);
    await sleep(TICK_MS);
  }
  return { events, fixes, seconds: elapsed() };
}

function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
