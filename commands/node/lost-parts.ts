import type { Known as KnownChannel } from "../../actors/channel/state.ts";
import type { Known } from "../../actors/incident/state.ts";
import { registry } from "../../actors/registry.ts";
import type { Board } from "../../runtime/board.ts";
import type { NatsPorts } from "../../runtime/nats/open.ts";
import { partitionOf } from "../../runtime/placement/partition.ts";
import { timersOf } from "../../runtime/timers-of.ts";
import { keyOfChannel } from "../../runtime/vault/vault.ts";
import { partsOfIncidentNumber } from "../../schema/incident-number.ts";
import { buckets, streams, subjects } from "../../schema/subjects.ts";

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

/** So many channels are looked at: one key that is there shows that the bucket is. */
const LOOK_AT_CHANNELS = 20;

/**
 * Without the bucket of their keys no message can be read, and new keys would stand in the way of those of a backup.
 * @param isGivenUp the operator goes on without the messages
 * @throws when it is gone
 */
export async function checkChannelKeys(
  board: Board,
  { keys, log }: Pick<NatsPorts, "keys" | "log">,
  isGivenUp: boolean,
): Promise<void> {
  const written = [...board.all("channel")].filter(({ state }) => (state as KnownChannel).messageCount > 0);
  const some = written.slice(-LOOK_AT_CHANNELS);
  const found = await Promise.all(some.map(({ id }) => keys.get(keyOfChannel(id))));
  if (some.length === 0 || found.some((key) => key !== undefined)) return;
  if (!isGivenUp) {
    throw new Error(
      `the bucket "${buckets.keys}" is gone: the messages of ${written.length} channels cannot be read without it. Restore the ` +
        "whole of a backup. If there is none, start once with MASTER_KEY_LOST=go-on: those messages are then lost for good",
    );
  }
  log.error({ channels: written.length }, "the keys of channels are gone: their messages up to now cannot be read");
}
