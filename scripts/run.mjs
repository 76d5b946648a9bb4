import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./setup/build.mjs";
import { installDependencies } from "./setup/dependencies.mjs";
import { findNatsServer } from "./setup/nats-server.mjs";
import { SetupError, say } from "./setup/say.mjs";

const HELP = `usage: node scripts/run.mjs FILE [ARG …]        sets up what is missing, then runs a built file
       node scripts/run.mjs --bin TOOL [ARG …]  … then runs an installed tool
`;

const root = fileURLToPath(new URL("../", import.meta.url)).replace(/\/$/, "");
const [first, ...rest] = process.argv.slice(2);
if (first === undefined || first === "--help") {
  process.stdout.write(HELP);
  process.exit(first === undefined ? 2 : 0);
}

try {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new SetupError(`Node ${process.versions.node} is too old: 20.19 or newer is needed`);
  installDependencies(root);
  build(root);
  run(findNatsServer(root));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}

function run(natsServer) {
  const target =
    first === "--bin" ? [join(root, "node_modules", ".bin", rest[0]), ...rest.slice(1)] : [join(root, first), ...rest];
  const [command, args] = first === "--bin" ? [target[0], target.slice(1)] : [process.execPath, target];
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, NATS_SERVER: natsServer } });
  // The child decides when to go; a terminal's Ctrl-C reaches it by itself, a single signal to us is passed on.
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGINT", () => child.kill("SIGINT"));
  child.on("error", (error) => {
    say(`${command} does not run: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + (signal === "SIGINT" ? 2 : 15)));
}
