import type pg from "pg";
import type { StreamState } from "../../runtime/stream-source.ts";
import type { Feed } from "./feed.ts";

export interface Checkpoint {
  readonly epoch: string;
  readonly sequence: number;
  /** Rises when tables of the feed are replaced by others. */
  readonly generation: number;
}

/** Somebody else has written meanwhile, or replaced what was written to: nothing of ours may be. */
export class Overtaken extends Error {
  override name = "Overtaken";
}

/** The archive and this stream do not belong together. Only a person can say what is right. */
export class WrongStream extends Error {
  override name = "WrongStream";
}

/** Where to go on. Makes the checkpoint where there is none. @throws WrongStream */
export async function startingPoint(
  client: pg.ClientBase,
  { name, source, onOtherStream }: Pick<Feed, "name" | "source" | "onOtherStream">,
  stream: StreamState,
): Promise<Checkpoint> {
  await client.query("insert into checkpoint (feed, epoch, sequence) values ($1, $2, 0) on conflict do nothing", [
    name,
    stream.epoch,
  ]);
  const { rows } = await client.query("select epoch, sequence, generation from checkpoint where feed = $1", [name]);
  const { epoch, generation } = rows[0];
  const found: Checkpoint = { epoch, generation, sequence: Number(rows[0].sequence) };
  if (found.epoch === stream.epoch && found.sequence <= stream.last) return found;
  if (onOtherStream === "refuse") {
    throw new WrongStream(
      found.epoch === stream.epoch
        ? `the archive knows ${source.name} up to ${found.sequence}, but the stream ends at ${stream.last}: was it restored from an older copy?`
        : `the archive is of another ${source.name}, made ${found.epoch}; this one was made ${stream.epoch}`,
    );
  }
  const sequence = found.epoch === stream.epoch ? stream.last : 0;
  await client.query("update checkpoint set epoch = $2, sequence = $3 where feed = $1", [name, stream.epoch, sequence]);
  return { epoch: stream.epoch, sequence, generation };
}

/** Part of the transaction that writes the rows. @throws Overtaken when it does not stand where we believe it to */
export async function advance(client: pg.ClientBase, feed: string, from: Checkpoint, sequence: number): Promise<void> {
  const { rowCount } = await client.query({
    name: "advance",
    text: `update checkpoint set sequence = $5, updated_at = now()
      where feed = $1 and epoch = $2 and sequence = $3 and generation = $4`,
    values: [feed, from.epoch, from.sequence, from.generation, sequence],
  });
  if (rowCount !== 1) throw new Overtaken(`${feed} does not stand at ${from.sequence} any more`);
}
