import { describe, expect, it } from "vitest";
import { WriteHealth } from "./write-health.ts";

describe("what is known of a server's writes", () => {
  it("tells of a stream whose writes fail for long, and of no other", () => {
    const health = new WriteHealth();
    health.failed("evt.a.incident.1", "no space", 1_000);
    health.failed("$KV.state.incident.1", "no space", 5_500);
    health.failed("evt.b.resource.2", "no space left", 6_000);
    health.succeeded("$KV.leases.host.a");
    expect(health.failingFor(5_000)).toEqual([{ of: "evt", forMs: 5_000, reason: "no space left" }]);
    expect(health.failingFor(0).map(({ of }) => of)).toEqual(["evt", "$KV.state"]);
  });

  it("takes one failure for no trouble, however long ago, and forgets it at the next success", () => {
    const health = new WriteHealth();
    health.failed("loc.a.resource.1", "late", 0);
    expect(health.failingFor(1)).toEqual([]);
    health.succeeded("loc.a.resource.2");
    health.failed("loc.a.resource.1", "late", 60_000);
    expect(health.failingFor(1)).toEqual([]);
  });

  it("knows nothing of a server that it has just met", () => {
    const health = new WriteHealth();
    health.failed("evt.a.incident.1", "no space", 0);
    health.failed("evt.a.incident.1", "no space", 9_000);
    health.forget();
    expect(health.failingFor(0)).toEqual([]);
  });
});
