import { describe, expect, it } from "vitest";
import { decide, isRefusal } from "../../runtime/actor.ts";
import { specificationOf } from "../../runtime/testing/given.ts";
import type { NewSilence, Silence, SilencesCommand, SilencesEvent } from "../../schema/routing/silence.ts";
import { SILENCES_MAX } from "../../schema/routing/silence.ts";
import { silences } from "./silences.ts";
import { compileSilences, silencedBy } from "./silencing.ts";

const given = specificationOf<SilencesCommand, SilencesEvent>(silences, "metro");
/** The specification's own clock stands here. */
const NOW = "2026-01-01T00:00:00.000Z";
const hours = (count: number) => new Date(Date.parse(NOW) + count * 3_600_000).toISOString();

const wanted: NewSilence = { matchers: ['site="a"'], endsAt: hours(2), comment: "works on the roof" };
const kept = (more: Partial<Silence> = {}): Silence => ({
  id: "one",
  matchers: ['site="a"'],
  startsAt: hours(-1),
  endsAt: hours(1),
  during: null,
  comment: "works",
  createdBy: "somebody",
  updatedAt: hours(-1),
  ...more,
});
const created = (more: Partial<Silence> = {}): SilencesEvent => ({ type: "silence.created", silence: kept(more) });
const change = (silence: Partial<NewSilence>): SilencesCommand => {
  return { type: "change", id: "one", replacementId: "two", silence: { ...wanted, ...silence } };
};

describe("a silence", () => {
  it("starts now where nothing else is said, and names who made it", () => {
    const { events } = given().when({ type: "silence", id: "one", silence: wanted });
    expect(events).toMatchObject([
      { type: "silence.created", silence: { id: "one", startsAt: NOW, endsAt: hours(2), createdBy: "someone" } },
    ]);
  });

  it("is changed in place while its matchers stay the same", () => {
    const { events } = given(created()).when(change({ startsAt: hours(-1), endsAt: hours(9), comment: "still on" }));
    expect(events).toMatchObject([
      { type: "silence.changed", silence: { id: "one", endsAt: hours(9), comment: "still on", createdBy: "somebody" } },
    ]);
  });

  it("with other matchers ends, and a new one starts", () => {
    const { events } = given(created()).when(change({ matchers: ['site="b"'] }));
    expect(events).toMatchObject([
      { type: "silence.expired", id: "one" },
      { type: "silence.created", replaces: "one", silence: { id: "two", startsAt: NOW, matchers: ['site="b"'] } },
    ]);
  });

  it("that has begun does not begin at another time: it ends, and a new one starts", () => {
    expect(given(created()).when(change({ startsAt: hours(1) })).types).toEqual(["silence.expired", "silence.created"]);
  });

  it("that is to come may be moved", () => {
    const pending = created({ startsAt: hours(5), endsAt: hours(6) });
    const { events } = given(pending).when(change({ startsAt: hours(7), endsAt: hours(8) }));
    expect(events).toMatchObject([{ type: "silence.changed", silence: { startsAt: hours(7) } }]);
  });

  it("that has ended stays as it was, and a new one starts", () => {
    const { events } = given(created({ endsAt: hours(-0.5) })).when(change({}));
    expect(events).toMatchObject([{ type: "silence.created", replaces: "one", silence: { id: "two", startsAt: NOW } }]);
  });

  it("is ended once", () => {
    expect(given(created()).when({ type: "expire", id: "one" }).types).toEqual(["silence.expired"]);
    const ended: SilencesEvent = { type: "silence.expired", id: "one" };
    expect(given(created(), ended).when({ type: "expire", id: "one" }).events).toEqual([]);
    expect(given().when({ type: "expire", id: "one" }).refused).toBe("not_found");
  });

  it.each<[string, Partial<NewSilence>]>([
    ["that would mute everything", { matchers: ['site=~".*"'] }],
    ["whose matchers all fit the empty value", { matchers: ['site!="a"', 'floor=""'] }],
    ["that ends before it starts", { startsAt: hours(3) }],
    ["that would be over already", { startsAt: hours(-3), endsAt: hours(-2) }],
    ["with an expression that is none", { matchers: ['site=~"("'] }],
  ])("%s is refused", (_, more) => {
    const { decision } = given().when({ type: "silence", id: "one", silence: { ...wanted, ...more } });
    expect(isRefusal(decision) && decision.refused).toBe("invalid_body");
  });

  it("is one of so many at most, those that ended not counted", () => {
    const many = Array.from({ length: SILENCES_MAX }, (_, index) => created({ id: String(index) }));
    const one: SilencesCommand = { type: "silence", id: "more", silence: wanted };
    expect(given(...many).when(one).refused).toBe("limit_reached");
    const ended: SilencesEvent = { type: "silence.expired", id: "7" };
    expect(given(...many, ended).when(one).types).toEqual(["silence.created"]);
  });

  it("that ended long ago is left to the journal", () => {
    const { state } = given(created({ id: "old", endsAt: hours(-200) }), created());
    expect(Object.keys((state as { silences: object }).silences)).toEqual(["one"]);
    const by = { subject: "x", agencies: [], roles: [] };
    expect(isRefusal(decide(silences, state, { type: "expire", id: "old" } as never, { id: "m", at: NOW, by }))).toBe(
      true,
    );
  });
});

describe("an alert is silenced", () => {
  const at = (silence: Partial<Silence>, moment: string) =>
    silencedBy(compileSilences([kept(silence)]), { site: "a" }, moment)?.id;

  it("from the start to just before the end", () => {
    expect([hours(-1), hours(0), hours(1)].map((moment) => at({}, moment))).toEqual(["one", "one", undefined]);
    expect(at({}, hours(-1.1))).toBeUndefined();
  });

  it("in a maintenance window at its times alone", () => {
    const nightly = { during: [{ times: [{ startTime: "00:00", endTime: "01:00" }] }], endsAt: hours(100) };
    expect([0, 0.99, 1, 24.5].map((hour) => at(nightly, hours(hour)))).toEqual(["one", "one", undefined, "one"]);
  });
});
