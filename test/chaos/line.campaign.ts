import { describe, it } from "vitest";
import { broken } from "./lines.ts";
import { keepResult, seed } from "./results.ts";

const TIMES = 60;

describe(`broken lines to nats-server under load (CHAOS_SEED=${seed}): nothing acknowledged is lost, and everybody sees and hears all of it`, () => {
  it(`of two hosts, ${TIMES} times`, async () => {
    await keepResult("break-lines", await broken(TIMES, seed));
  });
});
