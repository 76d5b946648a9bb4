import { describe, it } from "vitest";
import { killed, killHost, killNatsServer } from "./kills.ts";

/** A few of each; `npm run chaos` does it fifty times. */
describe("kill -9 under load: what was acknowledged is in the journal once, in order, and repeats get their first answer", () => {
  it("of the host, twelve times", { timeout: 200_000 }, async () => {
    await killed(12, 1, killHost);
  });

  it("of nats-server, three times, and everyone recovers unaided", { timeout: 200_000 }, async () => {
    await killed(3, 2, killNatsServer);
  });
});
