import { describe, expect, it } from "vitest";
import { runAll } from "./run-all.ts";

describe("the steps of a stop", () => {
  it("all run, one after the other, though some of them throw; all that was thrown is reported together", async () => {
    const done: string[] = [];
    const step = (name: string, error?: Error) => async () => {
      await Promise.resolve();
      done.push(name);
      if (error !== undefined) throw error;
    };
    const [first, second] = [new Error("gateway stuck"), new Error("board gone")];
    const stopping = runAll([step("gateway", first), step("host"), step("board", second), step("nats-server")]);
    await expect(stopping).rejects.toMatchObject({
      errors: [first, second],
      message: "2 of 4 steps failed: gateway stuck; board gone",
    });
    expect(done).toEqual(["gateway", "host", "board", "nats-server"]);
  });
});
