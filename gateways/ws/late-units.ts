import type { Place } from "../../runtime/places/place.ts";
import type { Region } from "../../runtime/places/region.ts";
import type { EventTopic } from "../../schema/live/topics.ts";
import type { Connection } from "./connection.ts";
import { onTopic, positionBody } from "./frames.ts";
import type { Live } from "./subscription.ts";

interface LateUnit {
  readonly kind: string;
  readonly id: string;
  /** Where the client was last told that it is. */
  readonly was: Place | undefined;
}

/** Units whose positions wait for a slow client: of each the latest alone goes out, once the client keeps up again. */
export class LateUnits {
  readonly #live: Live;
  readonly #topic: EventTopic;
  readonly #region: Region | undefined;
  readonly #connection: Connection;
  readonly #units = new Map<string, LateUnit>();
  #stopped = false;

  constructor(live: Live, topic: EventTopic, region: Region | undefined, connection: Connection) {
    this.#live = live;
    this.#topic = topic;
    this.#region = region;
    this.#connection = connection;
  }

  get size(): number {
    return this.#units.size;
  }

  add(unit: LateUnit): void {
    const key = `${unit.kind}/${unit.id}`;
    // Where it was told to be last stays, however often it moves before the client takes it.
    if (this.#units.has(key)) return;
    this.#units.set(key, unit);
    if (this.#units.size === 1) this.#whenRoom();
  }

  stop(): void {
    this.#stopped = true;
    this.#units.clear();
  }

  #whenRoom(): void {
    this.#connection.whenRoom(() => this.#live.clock.soon(() => this.#tell()));
  }

  #tell(): void {
    for (const [key, unit] of this.#units) {
      if (this.#stopped || !this.#connection.open) return;
      if (this.#connection.slow) {
        this.#whenRoom();
        return;
      }
      this.#units.delete(key);
      const frame = this.#frame(unit);
      if (frame !== undefined) this.#connection.send(frame);
    }
  }

  #frame({ kind, id, was }: LateUnit): Uint8Array | undefined {
    const { board, views } = this.#live;
    const measured = board.measurement({ kind, id });
    const row = board.get({ kind, id });
    if (row === undefined || measured === undefined) return;
    const { sequence, reading } = measured;
    const body = (state?: object) => positionBody({ kind, ...row }, sequence, reading, state);
    const region = this.#region;
    if (region === undefined) return onTopic(this.#topic.name, body(), { conflated: true });
    const is = views.get(kind)?.place?.(row.state, reading);
    const inside = is !== undefined && region.contains(is);
    const wasInside = was !== undefined && region.contains(was);
    if (!inside && !wasInside) return;
    const area = !inside ? "left" : wasInside ? "moved" : "entered";
    const state = area === "entered" ? board.present(kind, row) : undefined;
    return onTopic(this.#topic.name, body(state), { area, conflated: true });
  }
}
