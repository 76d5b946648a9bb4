import { describe, expect, it } from "vitest";
import { decide, evolve } from "../../runtime/actor.ts";
import type { Heart, HeartbeatCommand, HeartbeatEvent } from "../../schema/heartbeat.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import { type HeartbeatState, heartbeat } from "./definition.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const time = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
const heart: Heart = { agencyId: "a", source: { scope: "s", name: "s" }, deviceId: "d", silentAfterMs: 60_000 };

/** A device whose clock is turned by hand; deadlines ring when they are due. */
class Device {
  #state: HeartbeatState = heartbeat.initial;

  at(seconds: number, command: HeartbeatCommand): readonly string[] {
    const context = { id: "h", at: time(seconds), by: systemPrincipal("alerts") };
    const events = decide(heartbeat, this.#state, command, context) as readonly HeartbeatEvent[];
    this.#state = evolve(heartbeat, this.#state, events, { ...context, by: "x", previous: 0 }) as HeartbeatState;
    return events.map(({ type }) => type);
  }

  beat(seconds: number) {
    return this.at(seconds, { type: "beat", heart, at: time(seconds) });
  }

  get rings() {
    return heartbeat.deadlines(this.#state).map(({ at }) => (Date.parse(at) - START) / 1_000);
  }

  ring() {
    const [due] = heartbeat.deadlines(this.#state);
    return this.at((Date.parse(due!.at) - START) / 1_000, due!.command);
  }
}

describe("a device that should report", () => {
  it("costs an event only when half of its time is over", () => {
    const device = new Device();
    const heard = Array.from({ length: 7 }, (_, index) => device.beat(index * 10).length);
    expect(heard).toEqual([1, 0, 0, 1, 0, 0, 1]);
  });

  it("is silent after as long as was said, or half as long more, whenever it was heard of last", () => {
    for (const last of [0, 10, 29, 30, 45]) {
      const device = new Device();
      for (const beat of [0, last]) device.beat(beat);
      const silentAfter = device.rings[0]! - last;
      expect(silentAfter).toBeGreaterThan(60);
      expect(silentAfter).toBeLessThanOrEqual(90);
      expect(device.ring()).toEqual(["heartbeat.silent"]);
    }
  });

  it("is told of again until somebody says that it is told, and then no more", () => {
    const device = new Device();
    device.beat(0);
    device.ring();
    expect(device.rings).toEqual([100]);
    expect(device.ring()).toEqual(["heartbeat.due"]);
    expect(device.at(111, { type: "told", about: "silent", since: time(1) })).toEqual([]);
    expect(device.at(111, { type: "told", about: "silent", since: time(0) })).toEqual(["heartbeat.told"]);
    expect(device.rings).toEqual([]);
  });

  it("that is heard of again has returned, once, and may be silent again", () => {
    const device = new Device();
    device.beat(0);
    device.ring();
    expect(device.at(95, { type: "beat", heart, at: time(0) })).toEqual([]);
    expect([device.beat(100), device.beat(101)]).toEqual([["heartbeat.returned"], []]);
    expect(device.at(102, { type: "told", about: "returned", since: time(100) })).toEqual(["heartbeat.told"]);
    expect(device.rings).toEqual([190]);
    expect(device.ring()).toEqual(["heartbeat.silent"]);
  });
});
