import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeConfiguration } from "../../commands/node/configuration.ts";

const root = join(import.meta.dirname, "../..");
const textOf = (file: string) => readFileSync(join(root, file), "utf8");
const project = JSON.parse(textOf("package.json")) as Record<"scripts" | "dependencies" | "devDependencies", object>;

/** What of it the text does not name between backquotes. */
const missing = (names: readonly string[], text: string) => names.filter((name) => !text.includes(`\`${name}\``));

describe("the documentation names", () => {
  it("every variable of the configuration", () => {
    const names = describeConfiguration()
      .match(/^ {2}[A-Z][A-Z_]+/gm)!
      .map((name) => name.trim());
    expect(names.length).toBeGreaterThan(20);
    expect(missing(names, textOf("docs/operations.md"))).toEqual([]);
  });

  it("every package that the project stands on, with a reason", () => {
    const types = /^@types\//;
    const names = Object.keys({ ...project.dependencies, ...project.devDependencies });
    const ours = names.filter((name) => !types.test(name));
    expect(missing(ours, textOf("docs/dependencies.md"))).toEqual([]);
  });

  it("every command", () => {
    const text = textOf("README.md");
    const named = (name: string) => text.includes(`npm run ${name}`) || text.includes(`npm ${name}`);
    expect(Object.keys(project.scripts).filter((name) => !named(name))).toEqual([]);
  });
});
