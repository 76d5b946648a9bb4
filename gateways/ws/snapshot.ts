import type { Region } from "../../runtime/places/region.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import type { EventTopic } from "../../schema/live/topics.ts";
import type { Live } from "./subscription.ts";
import { placedKinds, snapshotFilters } from "./topics.ts";

/**
 * What a topic has, as the API shows it, in pages. What changes meanwhile may be in it already, and is told as an event all
 * the same: the version tells.
 */
export async function* snapshotOf(
  { board }: Live,
  topic: EventTopic,
  region: Region | undefined,
): AsyncGenerator<readonly object[]> {
  if (topic.form === "one") {
    const row = board.get(topic);
    if (row !== undefined) yield [board.present(topic.kind, row)];
    return;
  }
  const within = region === undefined ? {} : { region };
  for (const kind of topic.form === "area" ? placedKinds : [topic.kind]) {
    const query = {
      kind,
      agencies: [topic.agency],
      filters: snapshotFilters[kind] ?? {},
      limit: liveLimits.snapshotItems,
    };
    for (let after: string | null | undefined; after !== null; ) {
      const { items, next } = await board.list({ ...query, ...within, ...(after === undefined ? {} : { after }) });
      yield items;
      after = next;
    }
  }
}
