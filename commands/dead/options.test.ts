import { describe, expect, it } from "vitest";
import { readDeadOptions } from "./options.ts";

describe("options of dead", () => {
  it.each([
    ["list", { action: "list", after: 0, limit: 100, json: false }],
    ["list --after 7 --limit 3 --json", { action: "list", after: 7, limit: 3, json: true }],
    ["show 12", { action: "show", sequence: 12 }],
    ["replay 3 1 3", { action: "replay", sequences: [1, 3] }],
    ["replay --all", { action: "replay", sequences: "all" }],
    ["remove 2 1", { action: "remove", sequences: [1, 2] }],
    ["remove --help", "help"],
    ["-h", "help"],
  ])("%s", (line, options) => {
    expect(readDeadOptions(line.split(" "))).toEqual(options);
  });

  it.each([
    ["", "what to do"],
    ["lsit", 'there is no "lsit"'],
    ["constructor", 'there is no "constructor"'],
    ["list 3", 'what is "3"'],
    ["list --limit 0", "--limit must be a whole number from 1"],
    ["list --after x", "--after must be a whole number from 0"],
    ["list --all", "list takes no --all"],
    ["list --jsno", "--jsno"],
    ["show", "show: which letters?"],
    ["show 1 2", "one letter at a time"],
    ["show 1 --json", "show takes no --json"],
    ["show 0", "SEQ must be a whole number from 1"],
    ["show 1e3", 'not "1e3"'],
    ["show 99999999999999999999", "SEQ must be a whole number"],
    ["replay", "replay: which letters?"],
    ["replay 1 --all", "either numbers or --all"],
    ["remove", "remove: which letters?"],
    ["remove --all", "remove takes no --all"],
  ])("refuses: %s", (line, message) => {
    expect(() => readDeadOptions(line.split(" ").filter(Boolean))).toThrow(message);
  });
});
