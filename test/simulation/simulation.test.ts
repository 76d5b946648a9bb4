import { describe, expect, it } from "vitest";
import { runScenario } from "./scenario.ts";

/** More, and longer: `npm run sim -- --seeds N`. One that fails is replayed by `npm run sim -- --seed S`. */
const SEEDS = 2_000;
const CHUNK = 250;

describe("the production runtime on faulty ports", () => {
  for (let from = 1; from <= SEEDS; from += CHUNK) {
    it(`keeps every promise under seeds ${from} to ${from + CHUNK - 1}`, { timeout: 300_000 }, async () => {
      let collisions = 0;
      for (let seed = from; seed < from + CHUNK; seed++) {
        const ran = await runScenario(seed).catch((error: unknown) => {
          throw new Error(`seed ${seed} (replay: npm run sim -- --seed ${seed}): ${error}`, { cause: error });
        });
        collisions += ran.collisions;
      }
      expect(collisions).toBeGreaterThan(CHUNK);
    });
  }

  it("has runs in which incidents leave the journal for the archive while everything else goes on", async () => {
    let forgotten = 0;
    for (let seed = 4; seed <= 100; seed += 4) forgotten += (await runScenario(seed)).forgotten;
    expect(forgotten).toBeGreaterThan(0);
  });

  it("does the same for the same seed", async () => {
    expect(await runScenario(7)).toEqual(await runScenario(7));
  });

  it.each([
    ["the fence off", { fenceOff: true }],
    ["deduplication off", { dedupeOff: true }],
  ])("finds a planted bug: %s", { timeout: 120_000 }, async (_name, bugs) => {
    const found = async () => {
      for (let seed = 1; seed <= 300; seed++) await runScenario(seed, bugs);
    };
    await expect(found()).rejects.toThrow();
  });
});
