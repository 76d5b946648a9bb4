import { describe, expect, it } from "vitest";
import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { silent } from "../runtime/sim/process.ts";
import { runBackup, runRestore } from "./backup/commands.ts";
import { runClassifier } from "./classifier/classifier.ts";
import { runDead } from "./dead/dead.ts";
import { runKeys } from "./keys/keys.ts";
import { runRebuild } from "./rebuild/rebuild.ts";
import { runRecall } from "./recall/recall.ts";
import { runReplay } from "./replay/replay.ts";
import { runSimulate } from "./simulate/simulate.ts";
import { heard } from "./testing/heard.ts";
import { runVerify } from "./verify/verify.ts";

const surroundings = {
  env: {},
  clock: systemClock,
  ids: systemIds,
  log: silent,
  signal: new AbortController().signal,
  today: "2026-01-01",
  open: (): Promise<never> => Promise.reject(new Error("nothing has to be opened for that")),
};

type Command = (
  args: readonly string[],
  given: typeof surroundings & Pick<ReturnType<typeof heard>, "out">,
) => Promise<number>;
const commands: readonly (readonly [string, Command])[] = [
  ["backup", runBackup],
  ["classifier:train", runClassifier],
  ["dead", runDead],
  ["keys", runKeys],
  ["rebuild", runRebuild],
  ["recall", runRecall],
  ["replay", runReplay],
  ["restore", runRestore],
  ["simulate", runSimulate],
  ["verify", runVerify],
];

async function run(command: Command, ...args: string[]) {
  const { out, said } = heard();
  const code = await command(args, { ...surroundings, out });
  return { code, ...said() };
}

describe.each(commands)("npm run %s", (name, command) => {
  it("says what it does, when it is asked for help", async () => {
    for (const asked of ["--help", "-h"]) {
      const { code, result, note } = await run(command, asked);
      expect({ code, note }).toEqual({ code: 0, note: "" });
      expect(result.split("\n")[0]).toContain(`Usage: npm run ${name} -- `);
      expect(result.endsWith("\n")).toBe(false);
    }
  });

  it("says what is wrong with its use, and ends with 2", async () => {
    const { code, result, note } = await run(command, "--wrong");
    expect({ code, result }).toEqual({ code: 2, result: "" });
    expect(note).toBe(`Unknown option '--wrong'\nTry: npm run ${name} -- --help`);
  });
});
