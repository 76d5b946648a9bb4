import type { Known } from "../../actors/incident/state.ts";
import { registry } from "../../actors/registry.ts";
import type { Board } from "../../runtime/board.ts";
import type { NatsPorts } from "../../runtime/nats/open.ts";
import { partitionOf } from "../../runtime/placement/partition.ts";
import { timersOf } from "../../runtime/timers-of.ts";
import { partsOfIncidentNumber } from "../../schema/incident-number.ts";
import { streams, subjects } from "../../schema/subjects.ts";

/**
 * Numbers never repeat, also when the counters are gone or older than the incidents, as after a restore of parts from
 * different moments.
 */
export async function restoreCounters(board: Board, { numbers, log }: NatsPorts): Promise<void> {
  const highest = new Map<string, number>();
  for (const { agency, state } of board.all("incident")) {
    const parts = partsOfIncidentNumber((state as Known).incidentNumber);
    if (parts === undefined) continue;
    const counter = subjects.number(agency, parts.year);
    if (parts.number > (highest.get(counter) ?? 0)) highest.set(counter, parts.number);
  }
  for (const [counter, number] of highest) {
    const value = await numbers.value(counter);
    if (value >= number) continue;
    log.error({ counter, value, number }, "a counter is behind the numbers that were given: it goes on after them");
    // Another host may do the same meanwhile: then some numbers stay unused.
    await numbers.reserve(counter, number - value);
  }
}

/** Deadlines are set when an actor changes: when their stream is gone, nothing would set those of actors at rest. */
export async function restoreDeadlines(board: Board, ports: NatsPorts, partitions: number): Promise<void> {
  if (!ports.made.has(streams.timers.name) || ports.made.has(streams.events.name)) return;
  let set = 0;
  for (const [kind, definition] of registry) {
    const timers = [...board.all(kind)].flatMap(({ id, state }) =>
      timersOf(definition, state, { kind, id }, partitionOf({ kind, id }, partitions)),
    );
    await ports.timers.set(timers);
    set += timers.length;
  }
  ports.log.error({ set }, "the stream of deadlines was gone: they are set again");
}
