import { describe, expect, it } from "vitest";
import { alert } from "../../actors/alert/definition.ts";
import { alertkey } from "../../actors/alertkey/definition.ts";
import { registry } from "../../actors/registry.ts";
import type { AnyActor } from "../../runtime/actor.ts";
import { runAlerts } from "./alerts.ts";

const SEEDS = 75;
const CHUNK = 25;

describe("the alert engine on faulty ports", () => {
  for (let from = 1; from <= SEEDS; from += CHUNK) {
    it(`counts every report once, and makes every incident once, under seeds ${from} to ${from + CHUNK - 1}`, {
      timeout: 300_000,
    }, async () => {
      for (let seed = from; seed < from + CHUNK; seed++) {
        await runAlerts(seed).catch((error: unknown) => {
          throw new Error(`seed ${seed} (replay: npm run sim -- --campaign alerts --seed ${seed}): ${error}`, {
            cause: error,
          });
        });
      }
    });
  }

  it.each([
    ["an alert that does not know what it was told before", alert, (s) => ({ ...s, seen: {} })],
    ["a key that does not say what was done before its alert", alertkey, (s) => ({ ...s, seen: {} })],
    ["an alert that makes its incident as often as it is asked", alert, (s) => ({ ...s, madeIncident: false })],
  ] as const satisfies readonly Planted[])(
    "finds a planted bug: %s",
    { timeout: 120_000 },
    async (_name, actor, forget) => {
      const actors = new Map(
        [...registry].map(([kind, it]) => [kind, it.kind === actor.kind ? forgetful(it, forget) : it]),
      );
      const found = async () => {
        for (let seed = 1; seed <= 200; seed++) await runAlerts(seed, actors);
      };
      await expect(found()).rejects.toThrow();
    },
  );

  it("does the same for the same seed", async () => {
    expect(await runAlerts(7)).toEqual(await runAlerts(7));
  });
});

type Forget = (state: object) => object;
type Planted = readonly [name: string, actor: AnyActor, forget: Forget];

/** The same actor, which forgets a part of its state after every event. */
function forgetful(actor: AnyActor, forget: Forget): AnyActor {
  const evolve = Object.entries(actor.evolve).map(([type, handler]) => [
    type,
    (...args: Parameters<typeof handler>) => forget(handler(...args)),
  ]);
  return { ...actor, evolve: Object.fromEntries(evolve) };
}
