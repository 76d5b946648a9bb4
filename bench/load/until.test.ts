import { expect, test } from "vitest";
import { until } from "./until.ts";

test("what comes is waited for", async () => {
  const open = ["a", "b"];
  await until(
    () => open.pop() === undefined,
    () => open.join(),
    { everyMs: 1 },
  );
  expect(open).toEqual([]);
});

test("what does not come is named by what is missing in the end", async () => {
  const open = ["a", "b"];
  const waited = until(
    () => open.pop() === "c",
    () => `all of ${open.length}`,
    { everyMs: 1, withinMs: 50 },
  );
  await expect(waited).rejects.toThrow("after 0.05 s still missing: all of 0");
});
