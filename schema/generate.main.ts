import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { asyncApi } from "./asyncapi.ts";
import { openApi } from "./openapi.ts";

/** Writes the generated documents, or with --check compares them with what is committed. Runs from dist/schema/. */
const root = new URL("../../", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const documents = { "openapi.json": openApi(version), "asyncapi.json": asyncApi(version) };

if (process.argv.includes("--help")) {
  console.log("usage: npm run openapi [-- --check]\nWrites schema/generated/*.json, or checks that they are fresh.");
} else {
  for (const [name, document] of Object.entries(documents)) {
    const file = fileURLToPath(new URL(`schema/generated/${name}`, root));
    const fresh = `${JSON.stringify(document, null, 2)}\n`;
    if (!process.argv.includes("--check")) writeFileSync(file, fresh);
    else if (readFileSync(file, "utf8") !== fresh) {
      console.error(`${name} is not what the schemas say: run \`npm run openapi\` and commit the result`);
      process.exitCode = 1;
    }
  }
}
