import { describe, it } from "vitest";
import { killed, killHost, killNatsServer } from "./kills.ts";
import { keepResult, seed } from "./results.ts";

const TIMES = 50;

describe(`kill -9 under load (CHAOS_SEED=${seed}): what was acknowledged is in the journal once, in order, and repeats get their first answer`, () => {
  it(`of the host, ${TIMES} times`, async () => {
    await keepResult("kill-host", await killed(TIMES, seed, killHost));
  });

  it(`of nats-server, ${TIMES} times, and everyone recovers unaided`, async () => {
    await keepResult("kill-nats-server", await killed(TIMES, seed, killNatsServer));
  });
});
