import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Names every export that no other file mentions: dead code, or something that need not be exported. */
const files = ["schema", "actors", "runtime", "gateways", "client", "bridges", "commands", "bench", "test"]
  .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
const words = new Map(files.map((file) => [file, new Set(readFileSync(file, "utf8").match(/[A-Za-z_$][\w$]*/g))]));

const unused = [];
for (const file of files) {
  const text = readFileSync(file, "utf8");
  for (const [, name] of text.matchAll(/^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm)) {
    const elsewhere = files.some((other) => other !== file && words.get(other)?.has(name));
    const here = text.split(new RegExp(`\\b${name}\\b`)).length - 1;
    if (!elsewhere && here < 2) unused.push(`${file}: ${name} is used nowhere`);
  }
}
for (const line of unused) console.error(line);
process.exitCode = unused.length === 0 ? 0 : 1;
