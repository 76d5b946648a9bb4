import { describe, expect, it } from "vitest";
import { directiveFor } from "./supervision.ts";

describe("an actor that failed", () => {
  it.each([
    ["unavailable", 1, { do: "resume" }],
    ["uncertain", 9, { do: "restart" }],
    ["poison", 1, { do: "restart" }],
    ["poison", 6, { do: "stop", forMs: 3_200 }],
    ["unloadable", 1, { do: "stop", forMs: 100 }],
    ["unloadable", 4, { do: "stop", forMs: 800 }],
    ["unloadable", 5, { do: "escalate", forMs: 1_600 }],
    ["unloadable", 50, { do: "escalate", forMs: 30_000 }],
  ] as const)("by %s, %i times in a row, is treated so", (failure, consecutive, directive) => {
    expect(directiveFor(failure, { consecutive })).toEqual(directive);
  });
});
