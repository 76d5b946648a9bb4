import { SingleBar } from "cli-progress";
import { runAlerts } from "../test/simulation/alerts.ts";
import { runScenario } from "../test/simulation/scenario.ts";
import { argumentsOf } from "./usage.ts";

const campaigns: Readonly<Record<string, (seed: number) => Promise<object>>> = {
  dispatch: (seed) => runScenario(seed),
  alerts: (seed) => runAlerts(seed),
};

const HELP = `Usage: npm run sim -- [--campaign C] [--seeds N] [--from S] [--seed S]

Runs the production runtime against simulated, faulty ports, once for each seed.
  --campaign C  dispatch: incidents, units, channels, positions (default); alerts: the alert engine
  --seeds N     how many seeds (default 10000)
  --from S      the first one (default 1)
  --seed S      only this one: replays a failure
  --help        this text

Exit code: 0 all passed, 1 some failed, 2 could not begin.
`;

function stop(problem: string): never {
  process.stderr.write(`${problem}\nTry: npm run sim -- --help\n`);
  process.exit(2);
}

function options() {
  try {
    return argumentsOf({
      options: {
        campaign: { type: "string", default: "dispatch" },
        seeds: { type: "string", default: "10000" },
        from: { type: "string", default: "1" },
        seed: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    return stop((error as Error).message);
  }
}

function seedOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  return stop(`--${name} ${text}: a whole number is expected`);
}

const { help, campaign, ...values } = options();
const run = campaigns[campaign] ?? stop(`--campaign ${campaign}: there are ${Object.keys(campaigns).join(" and ")}`);

if (help === true) process.stdout.write(HELP);
else if (values.seed !== undefined) console.log(await run(seedOf("seed", values.seed)));
else {
  const from = seedOf("from", values.from);
  const count = seedOf("seeds", values.seeds);
  const bar = new SingleBar({ format: "{bar} {value}/{total} seeds, {failed} failed, {eta} s left" });
  const failed: number[] = [];
  bar.start(count, 0, { failed: 0 });
  for (let seed = from; seed < from + count; seed++) {
    await run(seed).catch((error: unknown) => {
      failed.push(seed);
      process.stderr.write(`\nseed ${seed}: ${error}\n`);
    });
    bar.update(seed - from + 1, { failed: failed.length });
  }
  bar.stop();
  console.log(`${count - failed.length} passed, ${failed.length} failed${failed.length > 0 ? `: ${failed}` : ""}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
