import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evolve } from "../../runtime/actor.ts";
import { specificationOf } from "../../runtime/testing/given.ts";
import { type ChannelCommand, type ChannelEvent, channelLimits } from "../../schema/channel.ts";
import { channel } from "./definition.ts";
import { noPages, noted, type Pages } from "./pages.ts";
import { incidentChannel } from "./reactions.ts";
import type { Known } from "./state.ts";

const given = specificationOf<ChannelCommand, ChannelEvent>(channel, "i1");

const sealed = { text: "1.x", words: [] };
const made: ChannelEvent = {
  ...{ type: "channel.created", agencyId: "a", kind: "team", name: "T", incidentId: null },
  members: ["someone"],
};
const sent = (number: number, priority: "normal" | "urgent" = "normal"): ChannelEvent => ({
  ...{ type: "message.sent", messageId: `m${number}`, number, sealed, priority, replyTo: null },
});

describe("a message", () => {
  const post: ChannelCommand = { type: "post", messageId: "m1", sealed, priority: "normal", replyTo: null };

  it("gets the next number", () => {
    expect(given(made).when(post).events).toEqual([sent(1)]);
    expect(given(made, sent(1)).when({ ...post, messageId: "m2" }).events).toEqual([sent(2)]);
  });

  it("is refused in a channel that is closed, that there is not, or that is others'", () => {
    expect(given(made, { type: "channel.closed" }).when(post).refused).toBe("channel_closed");
    expect(given().when(post).refused).toBe("not_found");
    expect(given({ ...made, members: ["else"] } as ChannelEvent).when(post).refused).toBe("not_found");
  });

  it("that the channel has forgotten is changed by what its history says of it, if it is not too old", () => {
    const many = Array.from({ length: channelLimits.recent + 1 }, (_, index) => sent(index + 1));
    const edit: ChannelCommand = { type: "edit", messageId: "m1", sealed };
    expect(given(made, ...many).when(edit).refused).toBe("not_found");
    const found = { number: 1, author: "someone", priority: "normal" } as const;
    expect(given(made, ...many).when({ ...edit, found }).types).toEqual(["message.edited"]);
    expect(given(made, ...many).when({ ...edit, found: { ...found, author: "else" } }).refused).toBe("forbidden");
    const endless = Array.from({ length: 5_001 }, (_, index) => sent(index + 1));
    expect(given(made, ...endless).when({ ...edit, found }).refused).toBe("limit_reached");
  });
});

describe("what an incident's envelope means to its channel", () => {
  const told = (version: number, ...events: { type: string }[]) =>
    incidentChannel.react({ id: "i1", agency: "a", version, at: "2026-01-01T00:00:00Z", by: "someone", events });

  it("is one command, for the channel of the same id", () => {
    const assigned = (unitId: string) => ({ type: "incident.assigned", unitId, unitType: "vehicles" });
    expect(told(2, assigned("u1"), assigned("u2"), { type: "incident.status_changed" })).toEqual([
      {
        to: { kind: "channel", id: "i1" },
        command: {
          ...{ type: "follow", version: 2, agencyId: "a", member: "someone" },
          joined: [
            { unitId: "u1", unitType: "vehicles" },
            { unitId: "u2", unitType: "vehicles" },
          ],
        },
      },
    ]);
    expect(told(3, { type: "incident.noted" })).toEqual([]);
  });

  it("is followed once, in the order of versions, however often it comes", () => {
    const follow = (version: number, more: object): ChannelCommand => ({
      type: "follow",
      version,
      agencyId: "a",
      ...more,
    });
    const system = { subject: "system:reaction", agencies: [], roles: [] };
    const context = { id: "i1", at: "2026-01-01T00:00:00.000Z", by: system };
    const units = ["u1", "u2", "u3"] as const;
    const change = fc.oneof(
      fc.constantFrom(...units).map((unitId) => ({ joined: [{ unitId, unitType: "vehicles" }] })),
      fc.constantFrom(...units).map((unitId) => ({ left: [unitId] })),
      fc.constantFrom("closed", "open").map((turned) => ({ turned })),
    );
    const apply = (commands: readonly ChannelCommand[]) => {
      let state = channel.initial;
      for (const command of commands) {
        const events = channel.decide.follow(state, command as never, context) as readonly ChannelEvent[];
        state = evolve(channel, state, events, { ...context, by: system.subject, previous: 0 }) as Known;
      }
      return state;
    };
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), fc.array(fc.nat()), (changes, repeats) => {
        const once = changes.map((one, index) => follow(index + 1, one));
        const again = once.flatMap((one, index) => [one, ...repeats.map((n) => once[n % (index + 1)]!)]);
        expect(apply(again)).toEqual(apply(once));
      }),
    );
  });
});

describe("pages", () => {
  /** Every event of a channel, each at a sequence of its own, with the pages they lead to. */
  const anyStory = fc
    .array(
      fc.record({
        gap: fc.integer({ min: 1, max: 50 }),
        kind: fc.constantFrom("sent", "changed", "read"),
        back: fc.nat(),
      }),
      {
        minLength: 1,
        maxLength: 400,
      },
    )
    .chain((events) =>
      fc.integer({ min: 1, max: 30 }).map((times) => Array.from({ length: times }, () => events).flat()),
    );

  it("say where each message is, and which later pages change it, and stay small", () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        let pages: Pages = noPages;
        let [sequence, count] = [0, 0];
        const sentAt: number[] = [];
        const changes: { readonly number: number; readonly at: number }[] = [];
        for (const { gap, kind, back } of story) {
          const previous = sequence;
          sequence += gap;
          if (kind === "sent") {
            pages = noted(pages, previous, ++count);
            sentAt[count] = sequence;
          } else if (kind === "changed" && count > 0) {
            const number = 1 + (back % count);
            pages = noted(pages, previous, count + 1, number);
            changes.push({ number, at: sequence });
          } else pages = noted(pages, previous, count + 1);
        }
        const all = [...pages.coarse, ...pages.fine];
        expect(all.length).toBeLessThanOrEqual(64 + 128);
        const pageAt = (at: number) => all.findLastIndex(({ after }) => after < at);
        for (let number = 1; number <= count; number++) {
          expect(pageAt(sentAt[number]!)).toBe(all.findLastIndex(({ first }) => first <= number));
        }
        for (const { number, at } of changes) expect(all[pageAt(at)]!.touches).toBeLessThanOrEqual(number);
      }),
      { numRuns: 60 },
    );
  });

  it("and the whole state stay small, whatever was said", () => {
    let state = evolve(channel, channel.initial, [made], context(0));
    const size = () => JSON.stringify(state).length;
    for (let number = 1; number <= 20_000; number++) {
      state = evolve(channel, state, [sent(number, "urgent")], context(number * 3));
    }
    expect(size()).toBeLessThan(40_000);
    function context(previous: number) {
      return { id: "c", at: "2026-01-01T00:00:00.000Z", by: "someone", previous };
    }
  });
});
