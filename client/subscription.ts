import type { LiveProblem } from "./problem.ts";
import type { Happened, Item, Position } from "./types.ts";

export interface SubscribeOptions {
  /** Go on from here, as `subscription.position` was. */
  readonly since?: Position;
  /** Whether the state as it is comes first, unless everything since could be recovered. Default: true */
  readonly snapshot?: boolean;
}

/** How it asks its connection. */
export interface Line {
  subscribe(subscription: LiveSubscription): void;
  unsubscribe(subscription: LiveSubscription): void;
}

/** Items that wait for whoever iterates: beyond these the topic is left, and gone on with once they are used up. */
const WAITING_MAX = 20_000;

/**
 * A topic as an async iterator, over as many connections as it takes. Events come in order, each once; where that cannot be,
 * `subscription.opened` comes again with `recovered: false`, and a snapshot: forget what you had.
 */
export class LiveSubscription implements AsyncIterable<Item> {
  readonly topic: string;
  readonly snapshot: boolean;
  readonly #line: Line;
  #items: Item[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #error: LiveProblem | undefined;
  #paused = false;
  /** What a connection still says of an earlier subscription to the topic is not for us: there is a gap between the two. */
  #opened = false;
  /** What has come in, whether or not it was iterated over. */
  #received: Position | undefined;
  /** The event that came last: another connection may begin in the middle of its position. */
  #last: readonly [sequence: number, index: number] = [-1, -1];
  #position: Position | undefined;

  constructor(line: Line, topic: string, { since, snapshot = true }: SubscribeOptions) {
    this.#line = line;
    this.topic = topic;
    this.snapshot = snapshot;
    this.#received = since;
    this.#position = since;
  }

  /** Up to here everything was iterated over: what to keep, and to give as `since` another time. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** From where its connection goes on. */
  get since(): Position | undefined {
    return this.#received;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** It is being subscribed to, on a connection or once more. */
  opening(): void {
    this.#opened = false;
  }

  /** Something of this topic came in. */
  receive(item: Item): void {
    if (item.type === "subscription.opened") this.#opened = true;
    if (this.#ended || this.#paused || !this.#opened) return;
    if (item.type === "subscription.opened") {
      const { epoch, offset, mark, recovered } = item.data;
      if (!recovered) this.#last = [Number(offset), Number.POSITIVE_INFINITY];
      this.#received = positionOf({ epoch, offset, mark });
    } else if (item.type === "subscription.live") {
      this.#received = positionOf(item.data);
    } else if (!item.type.startsWith("subscription.") && !this.#isNew(item as Happened)) return;
    if (item.type === "subscription.closed") this.#ended = true;
    this.#items.push(item);
    this.#wake?.();
    if (this.#items.length - this.#next < WAITING_MAX || this.#ended) return;
    this.#paused = true;
    this.#line.unsubscribe(this);
  }

  /** It will never be: refused. */
  fail(error: LiveProblem): void {
    this.#error = error;
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends it, and its iteration. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#line.unsubscribe(this);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    try {
      for (;;) {
        const item = this.#items[this.#next];
        if (item !== undefined) {
          this.#next += 1;
          if (this.#next === this.#items.length || this.#next === 1_000) {
            this.#items = this.#items.slice(this.#next);
            this.#next = 0;
          }
          yield item;
          this.#position = positionAfter(item) ?? this.#position;
        } else if (this.#paused && !this.#ended) {
          this.#paused = false;
          this.#line.subscribe(this);
        } else if (this.#ended) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.close();
    }
  }

  #isNew({ id, epoch, offset, mark, more }: Happened): boolean {
    if (epoch === undefined || offset === undefined) return true;
    const [sequence, index] = [Number(offset), Number(id.slice(id.lastIndexOf("-") + 1))];
    const [lastSequence, lastIndex] = this.#last;
    if (sequence < lastSequence || (sequence === lastSequence && index <= lastIndex)) return false;
    this.#last = [sequence, index];
    if (more === undefined) this.#received = positionOf({ epoch, offset, mark });
    return true;
  }
}

function positionOf({ epoch, offset, mark }: { epoch: string; offset: string; mark?: string | undefined }): Position {
  return mark === undefined ? { epoch, offset } : { epoch, offset, mark };
}

function positionAfter(item: Item): Position | undefined {
  // What was not recovered is whole with its snapshot alone.
  if (item.type === "subscription.live") return positionOf(item.data);
  if (item.type.startsWith("subscription.")) return;
  const { epoch, offset, mark, more } = item as Happened;
  return epoch === undefined || offset === undefined || more ? undefined : positionOf({ epoch, offset, mark });
}
