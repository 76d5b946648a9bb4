import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/**
 * Who may import whom. The language in schema/, pure domain in actors/, mechanism in runtime/, the world in gateways/:
 * imports go in that direction only; and time, chance and timers come through ports. A file follows the first rule that
 * fits. What composes the whole or tests it follows none.
 */
const NONE = /^$/;
const RULES = [
  { of: /^schema\//, files: /^schema\//, packages: /^zod$/ },
  {
    of: /^actors\/registry\.ts$/,
    files: /^(?:schema\/|actors\/|runtime\/(?:actor|board|projection|search-text|places\/place)\.ts$)/,
    packages: NONE,
  },
  {
    // Patterns that a hostile one cannot stop, time zones, a hash and a queue: pure, all of them.
    of: /^actors\/routing\//,
    files: /^(?:schema\/|runtime\/(?:actor|board)\.ts$)/,
    ownFolder: true,
    packages: /^(?:re2js|luxon|flatqueue|node:crypto)$/,
  },
  {
    // Rules as expressions that cannot run away, and their patterns: pure.
    of: /^actors\/classification\//,
    files: /^(?:schema\/|runtime\/(?:actor|board)\.ts$)/,
    ownFolder: true,
    packages: /^(?:re2js|@marcbachmann\/cel-js)$/,
  },
  {
    of: /^actors\//,
    files: /^(?:schema\/|runtime\/(?:actor|board|projection|search-text|places\/place)\.ts$|runtime\/testing\/)/,
    ownFolder: true,
    packages: NONE,
  },
  { of: /^runtime\/ports\//, files: /^(?:schema|runtime\/ports)\//, packages: /^(?:node:|uuid$)/ },
  { of: /^runtime\/nats\//, files: /^(?:schema\/|runtime\/(?!sim\/))/, packages: /^@nats-io\// },
  { of: /^runtime\/workers\//, files: NONE, packages: /^(?:piscina|node:os)$/ },
  { of: /^runtime\/sim\//, files: /^(?:schema\/|runtime\/(?!nats\/))/, packages: /^node:crypto$/ },
  { of: /^runtime\/places\//, files: /^runtime\/places\//, packages: /^flatqueue$/ },
  {
    of: /^runtime\/vault\//,
    files: /^(?:schema\/|runtime\/(?:ports|vault)\/)/,
    packages: /^(?:node:crypto|lru-cache)$/,
  },
  { of: /^runtime\//, files: /^(?:schema\/|runtime\/(?!nats\/|sim\/))/, packages: /^node:crypto$/ },
  // It runs in browsers: of the language it takes the types alone, of packages nothing.
  { of: /^client\/types\.ts$/, files: /^schema\//, packages: /^zod$/, typesOnly: true },
  { of: /^client\//, files: /^client\//, packages: NONE },
  { of: /^gateways\/http\/uws\.ts$/, files: NONE, packages: /^uWebSockets\.js$/ },
  {
    of: /^gateways\//,
    // To show and match what the board holds, a gateway asks the actors' own pure rules.
    files: /^(?:schema\/|gateways\/|actors\/|runtime\/(?!nats\/|sim\/))/,
    packages: /^(?!@nats-io\/|uWebSockets\.js|pg$|pg-)/,
  },
  {
    of: /^bridges\/postgres\//,
    files: /^(?:schema\/|actors\/|bridges\/postgres\/|runtime\/(?!nats\/|sim\/))/,
    packages: /^(?:pg|pg-copy-streams|node-pg-migrate|lru-cache|node:.+)$/,
  },
  // By fetch.
  {
    of: /^bridges\/osrm\//,
    files: /^(?:bridges\/osrm\/|runtime\/(?:ports\/index|travel-times|places\/place)\.ts$)/,
    packages: NONE,
  },
  {
    of: /^bridges\/routing\//,
    files: /^(?:schema\/|actors\/|gateways\/routing\/|runtime\/(?!nats\/|sim\/))/,
    packages: NONE,
  },
  {
    of: /^bridges\/notify\//,
    files: /^(?:schema\/|actors\/|bridges\/notify\/|gateways\/alerts\/secrets\.ts$|runtime\/(?!nats\/|sim\/))/,
    packages: /^node:(?:crypto|dns|http|https|net)$/,
  },
  {
    of: /^bridges\/mqtt\//,
    // It is another door: what comes by it means what it means by HTTP.
    files:
      /^(?:schema\/|actors\/|bridges\/mqtt\/|gateways\/(?:executor\.ts|alerts\/|http\/handlers\/alerts\.ts)|runtime\/(?!nats\/|sim\/))/,
    packages: /^(?:mqtt|node:crypto|node:buffer)$/,
  },
  {
    of: /^bridges\/push\/providers\//,
    files: /^(?:schema\/|bridges\/push\/|runtime\/ports\/)/,
    packages: /^(?:web-push|jose|zod|node:crypto|node:http2)$/,
  },
  {
    of: /^bridges\/push\//,
    files:
      /^(?:schema\/|actors\/|bridges\/(?:push\/|notify\/private-addresses\.ts$)|gateways\/push\/|runtime\/(?!nats\/|sim\/))/,
    packages: /^(?:luxon|node:crypto|node:dns|node:http|node:https|node:net)$/,
  },
  {
    of: /^bridges\/alerts\//,
    files: /^(?:schema\/|actors\/|gateways\/alerts\/(?:key|intake)\.ts$|runtime\/(?!nats\/|sim\/))/,
    ownFolder: true,
    packages: NONE,
  },
];
const NO_RULE = /\.(?:main|test)\.ts$/;

const CLOCKS =
  /\bDate\.now\b|\bnew Date\b(?!\(\s*[^\s)])|\bMath\.random\b|\bperformance\.now\b|\brandomUUID\b|(?<![.\w])set(?:Timeout|Interval|Immediate)\b/;
// The simulated world lets what was put off in this process run before it goes on: its own clock cannot do that.
const MAY_USE_CLOCKS = /^client\/|^runtime\/(?:ports|nats)\/|^runtime\/sim\/world\.ts$/;

const problems = [];
for (const folder of ["schema", "actors", "runtime", "gateways", "client", "bridges"]) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || !file.endsWith(".ts") || NO_RULE.test(file)) continue;
    const text = withoutComments(readFileSync(file, "utf8"));
    checkImports(file, text);
    if (!MAY_USE_CLOCKS.test(file)) checkClocks(file, text);
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function checkImports(file, text) {
  const rule = RULES.find(({ of }) => of.test(file));
  for (const { 1: specifier, index } of text.matchAll(/\b(?:from|import|require)\s*\(?\s*"([^"\n]+)"/g)) {
    const target = specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier;
    const own = rule.ownFolder === true && target.startsWith(`${dirname(file)}/`);
    if (rule.typesOnly === true && !/\b(?:import|export) type\b[^;]*$/.test(text.slice(0, index))) {
      problems.push(`${file}:${text.slice(0, index).split("\n").length}: imports more than types`);
    }
    const may = target === specifier ? rule.packages.test(target) : own || rule.files.test(target);
    if (!may) problems.push(`${file}:${text.slice(0, index).split("\n").length}: may not import ${target}`);
  }
}

function checkClocks(file, text) {
  for (const [index, line] of text.split("\n").entries()) {
    const use = CLOCKS.exec(line.replace(/"(?:\\.|[^"\\])*"/g, '""'))?.[0];
    if (use !== undefined) problems.push(`${file}:${index + 1}: ${use}: time and chance come through a port`);
  }
}

/** Blanks out comments, and keeps the lines as they are counted. Text in quotes may look like a comment. */
function withoutComments(text) {
  return text.replace(/"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith("/") ? found.replace(/[^\n]/g, " ") : found,
  );
}
