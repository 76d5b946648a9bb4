import { parseArgs } from "node:util";
import { SingleBar } from "cli-progress";
import { runScenario } from "../test/simulation/scenario.ts";

const HELP = `usage: npm run sim -- [--seeds N] [--from S] [--seed S]

Runs the production runtime against simulated, faulty ports, once for each seed.
  --seeds N  how many seeds (default 10000)
  --from S   the first one (default 1)
  --seed S   only this one: replays a failure
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    help: { type: "boolean" },
  },
});

if (values.help === true) process.stdout.write(HELP);
else if (values.seed !== undefined) console.log(await runScenario(Number(values.seed)));
else {
  const from = Number(values.from);
  const count = Number(values.seeds);
  const bar = new SingleBar({ format: "{bar} {value}/{total} seeds, {failed} failed, {eta} s left" });
  const failed: number[] = [];
  bar.start(count, 0, { failed: 0 });
  for (let seed = from; seed < from + count; seed++) {
    await runScenario(seed).catch((error: unknown) => {
      failed.push(seed);
      process.stderr.write(`\nseed ${seed}: ${error}\n`);
    });
    bar.update(seed - from + 1, { failed: failed.length });
  }
  bar.stop();
  console.log(`${count - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
