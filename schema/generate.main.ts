import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { asyncApi } from "./asyncapi.ts";
import { openApi } from "./openapi.ts";

/** Writes the generated documents, or with --check compares them with what is committed. Runs from dist/schema/. */
const root = new URL("../../", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const documents = { "openapi.json": openApi(version), "asyncapi.json": asyncApi(version) };

const { help, check } = optionsOf(process.argv.slice(2));
if (help) {
  console.log("Usage: npm run openapi [-- --check]\nWrites schema/generated/*.json, or checks that they are fresh.");
} else {
  for (const [name, document] of Object.entries(documents)) {
    const file = fileURLToPath(new URL(`schema/generated/${name}`, root));
    const fresh = `${JSON.stringify(document, null, 2)}\n`;
    if (!check) writeFileSync(file, fresh);
    else if (readFileSync(file, "utf8") !== fresh) {
      console.error(`${name} is not what the schemas say: run \`npm run openapi\` and commit the result`);
      process.exitCode = 1;
    }
  }
}

function optionsOf(args: string[]) {
  try {
    return parseArgs({ args, options: { check: { type: "boolean" }, help: { type: "boolean", short: "h" } } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\nTry: npm run openapi -- --help`);
    process.exit(2);
  }
}
