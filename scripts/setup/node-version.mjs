import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./say.mjs";
import { atLeast } from "./version.mjs";

/** @throws SetupError when Node is older than package.json asks for */
export function checkNode(root) {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const needed = engines.node.replace(/^>=\s*/, "");
  if (!atLeast(process.versions.node, needed)) {
    throw new SetupError(`this is Node ${process.versions.node}, and ${needed} or newer is needed`);
  }
}
