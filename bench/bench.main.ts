import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { BenchContext } from "./case.ts";
import { cases } from "./cases/index.ts";
import { Cleanup } from "./load/cleanup.ts";
import { findRoot } from "./load/tools.ts";
import { describeMachine } from "./machine.ts";
import { plainTable, writePage, writeResult } from "./results.ts";

const usage = `Usage: npm run bench -- [names…] [options]

Measures on this machine, on 127.0.0.1, and writes the results. Leave the machine alone meanwhile.

Benches (default: all):
${cases.map(({ name, describe }) => `  ${name.padEnd(18)}${describe}`).join("\n")}

Options:
  --seconds N        how long each measurement lasts (default 5)
  --rounds N         how often each is repeated; medians are reported (default 3)
  --connections LIST for benches over HTTP (default 8,64,256)
  --replay FILE      dispatch records for mixed-lifecycle (default examples/day.csv)
  --quick            one short round and small sizes, to see that everything works
  --out FOLDER       where to write the results (default bench/results)
  --help             this text
`;

interface Options {
  readonly names: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: readonly number[];
  readonly replay: string | undefined;
  readonly quick: boolean;
  readonly out: string | undefined;
}

/** Longer measurements tell nothing more, and many connections need more open files than a system gives by default. */
const SECONDS_MAX = 600;
const ROUNDS_MAX = 50;
const CONNECTIONS_MAX = 1_000;

/** @returns undefined for --help. @throws with what is wrong */
function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: "string" },
      rounds: { type: "string" },
      connections: { type: "string", default: "8,64,256" },
      replay: { type: "string" },
      quick: { type: "boolean", default: false },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const unknown = positionals.filter((name) => !cases.some((each) => each.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `there is no bench called ${unknown.join(", ")}; there are ${cases.map(({ name }) => name).join(", ")}`,
    );
  }
  return {
    names: positionals.length > 0 ? positionals : cases.map(({ name }) => name),
    seconds: wholeNumber("--seconds", values.seconds ?? (values.quick ? "2" : "5"), SECONDS_MAX),
    rounds: wholeNumber("--rounds", values.rounds ?? (values.quick ? "1" : "3"), ROUNDS_MAX),
    connections: values.connections.split(",").map((each) => wholeNumber("--connections", each, CONNECTIONS_MAX)),
    replay: values.replay,
    quick: values.quick,
    out: values.out,
  };
}

function wholeNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) throw new Error(`${option}: from 1 to ${max}, not ${text}`);
  return value;
}

async function main(options: Options): Promise<boolean> {
  const root = findRoot();
  // npm runs scripts in the folder of the project: paths are meant from where npm was called.
  const from = process.env.INIT_CWD ?? process.cwd();
  const out = options.out === undefined ? join(root, "bench/results") : resolve(from, options.out);
  const machine = await describeMachine();
  const { seconds, rounds, quick } = options;
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; Node ${machine.node}, nats-server ${machine.natsServer}`,
  );
  let allWell = true;
  for (const each of cases.filter(({ name }) => options.names.includes(name))) {
    console.log(`\n${each.name}: ${each.describe}`);
    const context: BenchContext = {
      root,
      seconds,
      rounds,
      quick,
      warmUpSeconds: quick ? 1 : Math.min(3, seconds),
      connections: options.connections,
      replayFile: options.replay === undefined ? undefined : resolve(from, options.replay),
      cleanup,
      progress: (line) => {
        if (!interrupted) console.log(`  ${line}`);
      },
    };
    try {
      const report = await each.run(context);
      if (interrupted) return false;
      if (report.failures.length > 0) allWell = false;
      for (const table of report.tables) console.log(`\n${plainTable(table)}`);
      for (const failure of report.failures) console.error(`\n${failure}`);
      const { name, describe } = each;
      await writeResult(out, {
        name,
        describe,
        date: new Date().toISOString(),
        machine,
        options: { seconds, rounds, quick },
        report,
      });
      await writePage(
        out,
        cases.map((known) => known.name),
      );
    } catch (error) {
      if (interrupted) return false;
      // The other benches are of use without this one.
      allWell = false;
      console.error(`  ${each.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    } finally {
      await cleanup.all();
    }
  }
  console.log(`\nResults are in ${out}`);
  return allWell;
}

const cleanup = new Cleanup();
let interrupted = false;
let interruptedAtMs = 0;
/** One Ctrl-C may arrive several times: from the terminal, and from npm. */
const SAME_PRESS_MS = 500;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, async () => {
    if (interrupted) {
      // Pressed again: what is left is killed on the way out.
      if (performance.now() - interruptedAtMs > SAME_PRESS_MS) process.exit(130);
      return;
    }
    interrupted = true;
    interruptedAtMs = performance.now();
    console.error("\nStopping; once more to stop at once.");
    await cleanup.close();
    process.exit(130);
  });
}

let options: Options | undefined;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  process.exit(2);
}
if (options === undefined) {
  console.log(usage);
} else {
  process.exitCode = (await main(options)) ? 0 : 1;
}
