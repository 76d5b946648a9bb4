import { describe, expect, it } from "vitest";
import { z } from "zod";
import { incidentMoment } from "../../schema/incident.ts";
import { reportLocation } from "../../schema/resource.ts";
import { issuesOf } from "./problem.ts";

const issues = (schema: z.ZodType, given: unknown) => issuesOf(schema.safeParse(given).error!);

describe("what is said of a body that fits none of several forms", () => {
  it.each([
    [{ lat: "48", lon: 11 }, "lat", /expected number/],
    [{ lat: 48 }, "lon", /expected number/],
    [{ fixes: [{ lat: 48, lon: 181 }] }, "fixes[0].lon", /<=180/],
    [{ fixes: [] }, "fixes", />=1/],
    [{ lat: 48, lon: 11, speed: 3 }, "", /"speed"/],
    [null, "", /^Invalid input: expected object, received null$/],
    [{}, "", /^lat: .*, or: fixes: /],
  ])("is what keeps it from the closest: %j", (given, path, message) => {
    expect(issues(reportLocation, given)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });

  it("names what each would need where any may be meant", () => {
    expect(issues(incidentMoment, { at: "yesterday" })).toEqual([
      {
        path: "at",
        message: expect.stringMatching(/^a time as in RFC 3339.*, or: a sequence of the journal$/),
      },
    ]);
  });

  it("is what the schema says itself, where it says something", () => {
    expect(issues(z.union([z.string(), z.number()], { error: "a name or a number" }), true)).toEqual([
      { path: "", message: "a name or a number" },
    ]);
  });

  it("is fifty things at most", () => {
    const given = { fixes: Array.from({ length: 100 }, () => ({})) };
    expect(issues(reportLocation, given)).toHaveLength(50);
  });
});
