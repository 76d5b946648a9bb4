import { describe, expect, it } from "vitest";
import { decide, evolve } from "../../runtime/actor.ts";
import { type Principal, systemPrincipal } from "../../schema/principal.ts";
import type { DevicesCommand, DevicesEvent } from "../../schema/push.ts";
import { type DevicesState, devices, type KnownDevices } from "./definition.ts";

const time = (seconds: number) => new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1_000).toISOString();
const bo: Principal = { subject: "bo", agencies: ["a"], roles: ["responder"] };
const owner = { agencyId: "a", subject: "bo", agencies: ["a"], roles: ["responder"], resourceId: null } as const;
const device = (id: string, mark?: string) => ({
  ...{ id, kind: "fcm", name: null, sealed: "…" },
  ...(mark === undefined ? {} : { mark }),
});

class Owned {
  state: DevicesState = devices.initial;

  at(seconds: number, command: DevicesCommand, by: Principal = bo) {
    const context = { id: "d", at: time(seconds), by };
    const decided = decide(devices, this.state, command, context);
    if (!Array.isArray(decided)) return decided;
    this.state = evolve(devices, this.state, decided, { ...context, by: by.subject, previous: 0 }) as DevicesState;
    return decided as DevicesEvent[];
  }

  registers = (seconds: number, id: string, mark?: string) =>
    this.at(seconds, { type: "register", owner, device: device(id, mark) as never });
  passesOn = (mark: string, seconds: number) =>
    this.at(seconds, { type: "passOn", mark, at: time(seconds) }, systemPrincipal("reaction"));

  get ids() {
    return (this.state as KnownDevices).devices.map(({ id }) => id);
  }
}

describe("a device that somebody else has registered", () => {
  it("is theirs, and all others stay", () => {
    const it = new Owned();
    it.registers(0, "phone", "m1");
    it.registers(0, "tablet", "m2");
    it.registers(0, "old phone");
    expect(it.passesOn("m1", 10)).toEqual([{ type: "devices.removed", deviceId: "phone", because: "passed_on" }]);
    expect(it.ids).toEqual(["tablet", "old phone"]);
    expect([it.passesOn("m1", 20), it.passesOn("m3", 20)]).toEqual([[], []]);
  });

  it("stays where it was registered again since: whoever did so last has it", () => {
    const it = new Owned();
    it.registers(0, "phone", "m1");
    it.registers(10, "phone", "m1");
    expect(it.passesOn("m1", 5)).toEqual([]);
    expect(it.passesOn("m1", 10)).toEqual([]);
    expect(it.ids).toEqual(["phone"]);
    expect(it.passesOn("m1", 11)).toHaveLength(1);
  });

  it("is taken away by nobody but what follows from that", () => {
    const it = new Owned();
    it.registers(0, "phone", "m1");
    expect(it.at(9, { type: "passOn", mark: "m1", at: time(9) })).toMatchObject({ refused: "forbidden" });
    expect(it.ids).toEqual(["phone"]);
  });
});
