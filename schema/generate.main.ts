import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openApi } from "./openapi.ts";

/** Writes the generated documents, or with --check compares them with what is committed. Runs from dist/schema/. */
const root = new URL("../../", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const file = fileURLToPath(new URL("schema/generated/openapi.json", root));
const fresh = `${JSON.stringify(openApi(version), null, 2)}\n`;

if (process.argv.includes("--help")) {
  console.log("usage: npm run openapi [-- --check]\nWrites schema/generated/openapi.json, or checks that it is fresh.");
} else if (!process.argv.includes("--check")) {
  writeFileSync(file, fresh);
} else if (readFileSync(file, "utf8") !== fresh) {
  console.error(
    "schema/generated/openapi.json is not what the schemas say: run `npm run openapi` and commit the result",
  );
  process.exitCode = 1;
}
