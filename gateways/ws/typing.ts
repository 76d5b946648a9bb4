import { z } from "zod";
import { audiences } from "../../actors/channel/membership.ts";
import type { Known } from "../../actors/channel/state.ts";
import type { Board } from "../../runtime/board.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { uuid } from "../../schema/common.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import { subjects } from "../../schema/subjects.ts";
import { KeyedListeners } from "./keyed-listeners.ts";

const typed = z.object({ v: z.literal(1), channelId: uuid, subject: z.string() });
export type Typed = Pick<z.infer<typeof typed>, "channelId" | "subject">;

/** Who types in which channel: passed on between gateways at the moment, and kept nowhere. */
export class Typing {
  readonly #ports: Pick<Ports, "transport" | "clock">;
  readonly #board: Pick<Board, "get">;
  /** By channel (`channel/id`), and by whom it is for (`channels of …`). */
  readonly #listeners = new KeyedListeners<Typed>();
  /** When it was told of whom, the longest ago first: forgotten once it may be told again. */
  readonly #toldMs = new Map<string, number>();
  readonly #stopHearing: () => void;

  constructor(ports: Pick<Ports, "transport" | "clock">, board: Pick<Board, "get">) {
    this.#ports = ports;
    this.#board = board;
    this.#stopHearing = ports.transport.hear(subjects.typingOfAll, (payload) => this.#heard(payload));
  }

  stop(): void {
    this.#stopHearing();
  }

  /** To all gateways; not again so soon. Whether somebody may is to be known before. */
  tell({ channelId, subject }: Typed): void {
    if (this.#isToldAlready(`${channelId} ${subject}`)) return;
    this.#ports.transport.tell(subjects.typing(channelId), JSON.stringify({ v: 1, channelId, subject }));
  }

  /** Each is told once of what comes under several of its keys. */
  listen(keys: readonly string[], listener: (typed: Typed) => void): () => void {
    return this.#listeners.add(keys, listener);
  }

  #isToldAlready(key: string): boolean {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const [known, toldMs] of this.#toldMs) {
      if (nowMs - toldMs < liveLimits.typingEveryMs) break;
      this.#toldMs.delete(known);
    }
    if (this.#toldMs.has(key)) return true;
    this.#toldMs.set(key, nowMs);
    return false;
  }

  #heard(payload: string): void {
    if (this.#listeners.isEmpty) return;
    const { data } = typed.safeParse(jsonOf(payload));
    const row = data && this.#board.get({ kind: "channel", id: data.channelId });
    if (row === undefined) return;
    const keys = [`channel/${row.id}`, ...audiences(row.state as Known).map((name) => `channels of ${name}`)];
    const listeners = new Set(keys.flatMap((key) => [...this.#listeners.of(key)]));
    for (const listener of listeners) listener(data!);
  }
}

/** What is none of ours is none of our business. */
function jsonOf(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return;
  }
}
