import { describeConfiguration, readConfiguration } from "./node/configuration.ts";
import { lockDataDirectory } from "./node/lock.ts";
import { createLog } from "./node/log.ts";
import { startNode } from "./node/node.ts";
import { argumentsOf, UsageError } from "./usage.ts";

const HELP = `Usage: npm start [-- --no-archive]

Runs Tocsin on this machine: a nats-server, the dispatch core and its API, and PostgreSQL for the archive. Everything is kept in
DATA_DIR. --no-archive runs without PostgreSQL: dispatch is the same, only history, search and reports are missing.
Ctrl-C, or SIGTERM, stops it cleanly: what is under way is answered, snapshots are written.

Configuration, by environment variables:
${describeConfiguration()}
`;

async function main(): Promise<void> {
  const { values } = argumentsOf({
    options: { help: { type: "boolean", short: "h" }, "no-archive": { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const configuration = readConfiguration({
    ...process.env,
    ...(values["no-archive"] === true ? { ARCHIVE: "off" } : {}),
  });
  const unlock = lockDataDirectory(configuration.DATA_DIR);
  process.on("exit", unlock);
  const log = createLog(configuration.LOG_LEVEL);
  const say = (line: string) => process.stderr.write(`tocsin: ${line}\n`);
  const node = await startNode(configuration, log, say);
  process.stdout.write(
    [
      `Tocsin is ready: ${node.url}`,
      `API docs:        ${node.url}/docs`,
      ...(node.tokenFile === undefined ? [] : [`Admin token:     ${node.tokenFile}`]),
      ...(node.mqttPort === undefined ? [] : [`MQTT:            127.0.0.1:${node.mqttPort}`]),
      `Durability:      ${configuration.DURABILITY}`,
      "",
    ].join("\n"),
  );
  let stopping = false;
  const stop = (signal: string) => {
    // Ctrl-C reaches us from the terminal and again from npm: one of them is enough.
    if (stopping) return;
    stopping = true;
    say(`${signal}: stopping …`);
    void node.stop().then(
      () => {
        say("stopped");
        process.exit(0);
      },
      (error) => {
        log.error({ error }, "stopping failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
}

main().catch((error: unknown) => {
  process.stderr.write(`tocsin: ${error instanceof Error ? error.message : error}\n`);
  if (!(error instanceof UsageError)) process.exit(1);
  process.stderr.write("Try: npm start -- --help\n");
  process.exit(2);
});
