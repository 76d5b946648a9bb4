import { describe, expect, it } from "vitest";
import { decide, evolve } from "../../runtime/actor.ts";
import type { DeliveryAbout, DeliveryCommand, DeliveryEvent } from "../../schema/notification.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import { ATTEMPTS_MAX, type DeliveryState, delivery, type KnownDelivery } from "./definition.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const time = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
const about: DeliveryAbout = {
  ...{ groupId: "g", receiver: "r", page: 1, reason: "firing", firing: ["a"], resolved: [], at: time(0) },
};
const queue: DeliveryCommand = { type: "queue", agencyId: "a", target: { kind: "webhook", to: "desk" }, about };

/** A delivery whose clock is turned by hand. */
class Sent {
  state: DeliveryState = delivery.initial;

  at(seconds: number, command: DeliveryCommand, by = systemPrincipal("courier")) {
    const context = { id: "d", at: time(seconds), by };
    const decided = decide(delivery, this.state, command, context);
    if (!Array.isArray(decided)) return decided;
    this.state = evolve(delivery, this.state, decided, { ...context, by: by.subject, previous: 0 }) as DeliveryState;
    return (decided as DeliveryEvent[]).map(({ type }) => type);
  }

  get wakes() {
    return delivery.deadlines(this.state).map(({ at }) => (Date.parse(at) - START) / 1_000);
  }

  get known() {
    return this.state as KnownDelivery;
  }
}

const again: DeliveryCommand = { type: "report", outcome: "again", detail: "503" };

describe("a delivery", () => {
  it("is queued once, and over once it has arrived", () => {
    const it = new Sent();
    expect([it.at(0, queue), it.at(1, queue)]).toEqual([["delivery.queued"], []]);
    expect(it.at(1, { type: "report", outcome: "delivered", detail: null })).toEqual(["delivery.delivered"]);
    expect([it.wakes, it.at(2, again)]).toEqual([[], []]);
  });

  it("whose end nobody told is tried again", () => {
    const it = new Sent();
    it.at(0, queue);
    expect(it.wakes).toEqual([30]);
    expect(it.at(30, { type: "wake", due: time(29) })).toEqual([]);
    expect(it.at(30, { type: "wake", due: time(30) })).toEqual(["delivery.due"]);
    expect([it.wakes, it.known.attempts]).toEqual([[60], 0]);
  });

  it("that does not arrive is tried five times, each time after twice as long, and then given up", () => {
    const it = new Sent();
    it.at(0, queue);
    const waits: number[] = [];
    let now = 0;
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
      expect(it.at(now, again)).toEqual(["delivery.postponed"]);
      waits.push(it.wakes[0]! - now);
      now = it.wakes[0]!;
      it.at(now, { type: "wake", due: time(now) });
    }
    expect(waits).toEqual([30, 60, 120, 240]);
    expect(it.at(now, again)).toEqual(["delivery.failed"]);
    expect([it.wakes, it.known.detail]).toEqual([[], "503"]);
  });

  it("that was given up may be tried from the beginning", () => {
    const it = new Sent();
    it.at(0, queue);
    expect(it.at(0, { type: "retry" })).toEqual([]);
    it.at(1, { type: "report", outcome: "failed", detail: "410" });
    expect(it.at(2, { type: "retry" })).toEqual(["delivery.due"]);
    expect(it.known).toMatchObject({ status: "waiting", attempts: 0 });
  });

  it("is nobody's to queue or to report but the system's", () => {
    const somebody = { subject: "x", agencies: ["a"], roles: ["admin" as const] };
    const it = new Sent();
    expect(it.at(0, queue, somebody)).toMatchObject({ refused: "forbidden" });
    it.at(0, queue);
    expect(it.at(0, again, somebody)).toMatchObject({ refused: "forbidden" });
  });
});
