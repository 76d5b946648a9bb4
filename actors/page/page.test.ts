import { describe, expect, it } from "vitest";
import { decide, evolve } from "../../runtime/actor.ts";
import { type Principal, systemPrincipal } from "../../schema/principal.ts";
import type { Attempt, PageCommand, PageEvent } from "../../schema/push.ts";
import { nextTaskAt, page } from "./definition.ts";
import type { KnownPage, PageState } from "./state.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const time = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
const bo: Principal = { subject: "bo", agencies: ["a"], roles: ["responder"] };
const opening = {
  type: "open",
  cause: 1,
  agencyId: "a",
  urgency: "page",
  about: { kind: "assignment", incidentId: "i", unitId: "u" },
  recipients: [
    {
      subject: "bo",
      resourceId: null,
      devices: [{ id: "phone", kind: "fcm", heldUntil: null }],
    },
  ],
  each: false,
  expiresAt: time(600),
} as const satisfies PageCommand;
const sent: Attempt = { deviceId: "phone", outcome: "sent" };

/** A page whose clock is turned by hand. */
class Called {
  state: PageState = page.initial;

  at(seconds: number, command: PageCommand, by = systemPrincipal("push")) {
    const context = { id: "p", at: time(seconds), by };
    const decided = decide(page, this.state, command, context);
    if (!Array.isArray(decided)) return decided;
    this.state = evolve(page, this.state, decided, { ...context, by: by.subject, previous: 0 }) as PageState;
    return (decided as PageEvent[]).map(({ type }) => type);
  }

  report = (seconds: number, ...attempts: Attempt[]) => this.at(seconds, { type: "report", round: 1, attempts });
  archive = (before: string) => this.at(10_000, { type: "archive", before });

  get hasDeparted() {
    return page.departure!.hasDeparted(this.state);
  }

  get restsSince() {
    return page.departure!.restsSince(this.state);
  }
}

describe("a page", () => {
  it("leaves the journal when it is over, what devices show is taken back, and that for long enough", () => {
    const it = new Called();
    expect(it.archive("9999")).toEqual([]);
    it.at(0, opening);
    it.report(1, sent);
    expect([it.restsSince, it.archive("9999")]).toEqual([undefined, []]);
    it.at(5, { type: "acknowledge" }, bo);
    // The phone is still to be told that nobody need answer any more.
    expect([it.restsSince, it.archive("9999")]).toEqual([undefined, []]);
    expect(it.report(6, sent)).toEqual(["page.cleared"]);
    expect(it.restsSince).toBe(time(5));
    expect(it.archive(time(5))).toEqual([]);
    expect(it.at(7, { type: "archive", before: "9999" }, bo)).toMatchObject({ refused: "forbidden" });
    expect([it.hasDeparted, it.archive(time(6)), it.hasDeparted]).toEqual([false, ["page.archived"], true]);
    expect(it.archive("9999")).toEqual([]);
  });

  it("comes back by whatever happens to it, and is the page that it was", () => {
    const over = () => {
      const it = new Called();
      it.at(0, opening);
      it.report(1, sent);
      it.at(600, { type: "expire", due: time(600) });
      it.report(601, sent);
      const before = it.state;
      expect(it.archive("9999")).toEqual(["page.archived"]);
      return { it, before };
    };
    const receipt = over();
    expect(receipt.it.at(20_000, { type: "receipt", deviceId: "phone", state: "seen" }, bo)).toEqual(["page.seen"]);
    expect([receipt.it.hasDeparted, receipt.it.archive("9999")]).toEqual([false, ["page.archived"]]);
    const again = over();
    expect(again.it.at(20_000, { ...opening, cause: 2 })).toEqual(["page.opened"]);
    const known = again.it.state as KnownPage;
    expect([again.it.hasDeparted, known.round, known.closedAt]).toEqual([false, 2, null]);
    expect(nextTaskAt(known)).toBe(time(20_000));
    // What was said before is not said again.
    const repeated = over();
    expect(repeated.it.at(20_000, opening)).toEqual([]);
    expect(repeated.it.state).toEqual({ ...repeated.before, archivedAt: time(10_000) });
  });
});
