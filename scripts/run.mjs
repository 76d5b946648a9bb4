import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./setup/build.mjs";
import { installDependencies } from "./setup/dependencies.mjs";
import { findNatsServer } from "./setup/nats-server.mjs";
import { checkNode } from "./setup/node-version.mjs";
import { peerFor, peers } from "./setup/peers.mjs";
import { databaseFor, postgresServers } from "./setup/postgres.mjs";
import { SetupError, say } from "./setup/say.mjs";
import { serverFlags } from "./setup/server-flags.mjs";

const HELP = `usage: node scripts/run.mjs [--needs WHAT] FILE [ARG …]           sets up what is missing, then runs a JavaScript file
       node scripts/run.mjs [--needs WHAT] --server FILE [ARG …]  … with the flags of a server, or of what measures one
       node scripts/run.mjs [--needs WHAT] --bin TOOL [ARG …]     … then runs a tool of node_modules

WHAT is a list of these; without the option the first three are set up:
  dependencies  node_modules as package-lock.json says, by npm ci
  build         dist/ from the sources as they are, by tsc
  nats-server   NATS_SERVER, or the one on PATH, or one fetched into .tools/; the program is told of it by NATS_SERVER
  postgis       a PostgreSQL 15 with PostGIS, fetched into .tools/; the program is told of it by DATABASE_SERVER
  timescale     a PostgreSQL 17 with TimescaleDB and PostGIS, in the same way
  mosquitto     an MQTT broker and its clients for tests: MOSQUITTO, or installed, or fetched into .tools/ on Debian
  alertmanager  Prometheus Alertmanager for tests, in the same way
  ntfy          an ntfy server for tests, in the same way
FILE is looked for in the project's folder. Nothing is printed when nothing is missing.
`;

const USUAL = ["dependencies", "build", "nats-server"];
const NEEDS = [...USUAL, ...postgresServers, ...peers];
const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

try {
  const { needs, command, args } = readArguments(process.argv.slice(2));
  checkNode(root);
  if (needs.includes("dependencies")) installDependencies(root);
  if (needs.includes("build")) build(root);
  const natsServer = needs.includes("nats-server") ? { NATS_SERVER: findNatsServer(root) } : {};
  const servers = postgresServers.filter((name) => needs.includes(name));
  const database = Object.assign({}, ...servers.map((name) => databaseFor(root, name)));
  const others = Object.assign({}, ...peers.filter((name) => needs.includes(name)).map((name) => peerFor(root, name)));
  run(command, args, { ...process.env, ...natsServer, ...database, ...others });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(error.exitCode);
}

function readArguments(argv) {
  let needs = USUAL;
  if (argv[0] === "--needs") {
    needs = (argv[1] ?? "").split(",");
    const unknown = needs.filter((need) => !NEEDS.includes(need));
    if (unknown.length > 0) throw new SetupError(`--needs: there is no "${unknown}", only ${NEEDS.join(", ")}`, 2);
    argv = argv.slice(2);
  }
  const [first, ...rest] = argv;
  if (first === "--help" || first === undefined) {
    process.stdout.write(HELP);
    process.exit(first === undefined ? 2 : 0);
  }
  if (first !== "--bin" && first !== "--server")
    return { needs, command: process.execPath, args: [join(root, first), ...rest] };
  if (rest[0] === undefined) throw new SetupError(`${first}: which ${first === "--bin" ? "tool" : "file"}?`, 2);
  if (first === "--server")
    return { needs, command: process.execPath, args: [...serverFlags, join(root, rest[0]), ...rest.slice(1)] };
  return { needs, command: join(root, "node_modules", ".bin", rest[0]), args: rest.slice(1) };
}

/** Runs it in our place: with our input and output, and ends as it ends. */
function run(command, args, env) {
  const file = command === process.execPath ? args.find((arg) => !arg.startsWith("-")) : command;
  if (!existsSync(file)) throw new SetupError(`there is no ${file}`);
  const child = spawn(command, args, { stdio: "inherit", env });
  passSignalsTo(child);
  child.on("error", (error) => {
    say(`${file} does not run: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

/** npm tells us of a signal that we have had already: what comes this soon is the same one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * When to go is the child's to decide: we only pass on what it has not heard, each signal once, and stay as long as it does.
 * npm tells of signals the shell by which it starts a script; so the scripts of package.json begin with `exec`, by which
 * the shell becomes this process. Without it, who ends npm would end the shell and leave us running.
 */
function passSignalsTo(child) {
  const passedMs = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal's Ctrl-C goes to every process of the group, so also to the child.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      const nowMs = performance.now();
      if (nowMs - (passedMs.get(signal) ?? Number.NEGATIVE_INFINITY) < SAME_SIGNAL_MS) return;
      passedMs.set(signal, nowMs);
      child.kill(signal);
    });
  }
}
