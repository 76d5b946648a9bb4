import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/**
 * Who may import whom. Pure domain in actors/, mechanism in runtime/, the world in gateways/: imports only in that
 * direction; and time, chance and timers come through ports.
 */
const RULES = [
  { from: /^schema\//, may: [/^schema\//, /^zod$/], except: /^schema\/generate\.main\.ts$/ },
  { from: /^actors\/registry\.ts$/, may: [/^actors\//, /^runtime\/(actor|board)\.ts$/] },
  { from: /^actors\/([^/]+)\//, may: [/^schema\//, /^runtime\/(actor|board)\.ts$/, "own folder"] },
  { from: /^runtime\/nats\//, may: [/^@nats-io\//, /^schema\//, /^runtime\/(?!sim\/)/] },
  { from: /^runtime\/ports\//, may: [/^schema\//, /^runtime\/ports\//, /^node:/, /^uuid$/] },
  { from: /^runtime\//, may: [/^schema\//, /^runtime\/(?!nats\/)/, /^node:crypto$/] },
  { from: /^gateways\/http\/uws\.ts$/, may: [/^uWebSockets\.js$/] },
  {
    from: /^gateways\//,
    may: [/^schema\//, /^runtime\/(?!nats\/|sim\/)/, "own folder", /^node:/, /^(?!@nats-io|uWebSockets|\.)[@a-z]/],
  },
];

const CLOCKS =
  /\b(?:Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.now|crypto\.randomUUID)\b|new Date\(\)/;
const CLOCKS_ALLOWED = /^(?:runtime\/ports\/|runtime\/sim\/world\.ts|commands\/|bench\/|test\/|schema\/generate)/;

const problems = [];
for (const folder of ["schema", "actors", "runtime", "gateways"]) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || !file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
    check(file, readFileSync(file, "utf8"));
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function check(file, text) {
  const rule = RULES.find(({ from }) => from.test(file));
  if (rule !== undefined && !rule.except?.test(file)) {
    for (const [, specifier] of text.matchAll(/^(?:import|export)[^;]*?from\s+"([^"]+)"/gms)) {
      const target = specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier;
      const own = dirname(target).startsWith(dirname(file));
      if (!rule.may.some((allowed) => (allowed === "own folder" ? own : allowed.test(target)))) {
        problems.push(`${file}: may not import ${target}`);
      }
    }
  }
  if (CLOCKS_ALLOWED.test(file)) return;
  text.split("\n").forEach((line, index) => {
    if (CLOCKS.test(line) && !/^\s*(?:\*|\/)/.test(line))
      problems.push(`${file}:${index + 1}: time and chance come through a port`);
  });
}
