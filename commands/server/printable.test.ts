import { describe, expect, it } from "vitest";
import { printable, printableJson, tableOf } from "./printable.ts";

const hostile = "a\u001b[2Jb\u009b31mc\r\n\u202edcba\u2066\u007f\u200b\u2028\ud800";

describe("text from outside", () => {
  it("cannot steer a terminal", () => {
    expect(printable(hostile)).toBe(
      "a\\u001b[2Jb\\u009b31mc\\u000d\\u000a\\u202edcba\\u2066\\u007f\\u200b\\u2028\\ud800",
    );
  });

  it("keeps what people write", () => {
    expect(printable("Größe 火事 🚒 café «x»")).toBe("Größe 火事 🚒 café «x»");
  });

  it("stays the same value as JSON", () => {
    const text = printableJson({ [hostile]: hostile, list: ["x"] }, 2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(text.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b\u2028\u202e\u2066]/);
    expect(JSON.parse(text)).toEqual({ [hostile]: hostile, list: ["x"] });
    expect(text.split("\n")).toHaveLength(6);
  });

  it("stands in columns", () => {
    expect(
      tableOf(
        ["n", "name", "x"],
        [
          ["1", "a", "long at the end"],
          ["20", "abcdef", ""],
        ],
      ),
    ).toBe("n   name    x\n1   a       long at the end\n20  abcdef  ");
  });
});
