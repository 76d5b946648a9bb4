import { describe, expect, it } from "vitest";
import {
  escalationFor,
  runCardFor,
  type Section,
  type Sections,
  sectionSchemas,
  statusFor,
  timeTargetsFor,
} from "./configuration.ts";

const engine = { capabilities: ["engine"], count: 1 };
const card = (incidentType: string, priorities?: number[]) => ({
  incidentType,
  ...(priorities === undefined ? {} : { priorities }),
  alarms: [{ level: 1, requires: [engine] }],
});

describe("the most specific rule wins", () => {
  const runCards: Sections["runCards"] = [
    card("*"),
    card("*", [1, 2]),
    card("fire"),
    card("fire", [1]),
    card("flood", [5]),
  ];
  it.each([
    ["fire", 1, 3],
    ["fire", 2, 2],
    ["fire", 5, 2],
    ["flood", 5, 4],
    ["flood", 1, 1],
    ["flood", 3, 0],
    ["alarm", 2, 1],
    ["alarm", 4, 0],
  ])("%s at priority %d: items[%d]", (type, priority, expected) => {
    expect(runCardFor({ runCards }, type, priority)).toBe(runCards[expected]);
    const reversed = { runCards: [...runCards].reverse() };
    expect(runCardFor(reversed, type, priority)).toBe(runCards[expected]);
  });

  it("or none, where none fits", () => {
    expect(runCardFor({ runCards: [card("fire", [1])] }, "fire", 2)).toBeUndefined();
    expect(runCardFor({ runCards: [card("fire", [1])] }, "flood", 1)).toBeUndefined();
    expect(runCardFor({ runCards: [] }, "fire", 1)).toBeUndefined();
  });

  it("of time targets and of escalation as well, told in milliseconds", () => {
    const timeTargets: Sections["timeTargets"] = [
      { incidentType: "*", phases: { dispatchSeconds: 60 } },
      { incidentType: "fire", priorities: [1], phases: { turnoutSeconds: 80, travelSeconds: 240 }, atRiskPercent: 50 },
    ];
    expect(timeTargetsFor({ timeTargets }, "fire", 1)).toEqual({
      turnoutMs: 80_000,
      travelMs: 240_000,
      atRiskPercent: 50,
    });
    expect(timeTargetsFor({ timeTargets }, "fire", 2)).toEqual({ dispatchMs: 60_000, atRiskPercent: 80 });
    expect(timeTargetsFor({ timeTargets: [] }, "fire", 2)).toBeUndefined();
    const escalation: Sections["escalation"] = [{ incidentType: "*", unassignedSeconds: 90, action: "both" }];
    expect(escalationFor({ escalation }, "fire", 2)).toEqual({ unassignedMs: 90_000, action: "both" });
    expect(escalationFor({ escalation: [] }, "fire", 2)).toBeUndefined();
    const notify = [{ kind: "user", to: "chief" }] as const;
    expect(escalationFor({ escalation: [{ ...escalation[0]!, notify: [...notify] }] }, "fire", 2)).toMatchObject({
      notify,
    });
    expect(timeTargetsFor({ timeTargets: [{ ...timeTargets[0]!, notify: [] }] }, "fire", 2)).toMatchObject({
      notify: [],
    });
  });
});

describe("a status", () => {
  const statuses: Sections["statuses"] = [
    { code: "fuelling", base: "out_of_service", label: "Fuelling", warnAfterSeconds: 60, types: ["vehicles"] },
    { code: "lunch", base: "available", label: "Lunch" },
    { code: "returning", base: "returning", label: "Returning", warnAfterSeconds: 1_800 },
    { code: "off_duty", base: "off_duty", label: "Off", warnAfterSeconds: 9, types: ["personnel"] },
  ];
  it.each([
    ["fuelling", "vehicles", { base: "out_of_service", code: "fuelling", warnAfterMs: 60_000 }],
    ["fuelling", "personnel", undefined],
    ["lunch", "equipment", { base: "available", code: "lunch" }],
    ["returning", "vehicles", { base: "returning", warnAfterMs: 1_800_000 }],
    ["off_duty", "personnel", { base: "off_duty", warnAfterMs: 9_000 }],
    ["off_duty", "vehicles", { base: "off_duty" }],
    ["on_scene", "vehicles", { base: "on_scene" }],
    ["dancing", "vehicles", undefined],
  ] as const)("%s of %s", (code, type, expected) => {
    expect(statusFor({ statuses }, code, type)).toEqual(expected);
  });
});

describe("a section is refused", () => {
  const label = "L";
  const alarms = card("x").alarms;
  const cases: readonly [string, Section, readonly unknown[], string, RegExp][] = [
    [
      "a code twice",
      "capabilities",
      [
        { code: "a", label },
        { code: "a", label },
      ],
      "1.code",
      /items\[0\] already/,
    ],
    ["no label", "dispositions", [{ code: "a", label: "" }], "0.label", />=1/],
    ["a strange field", "dispositions", [{ code: "a", label, colour: "red" }], "0", /colour/],
    ["a code that is no code", "incidentTypes", [{ code: "*", label }], "0.code", /letters/],
    ["a priority of six", "incidentTypes", [{ code: "a", label, priority: 6 }], "0.priority", /<=5/],
    ["no such base", "statuses", [{ code: "a", base: "asleep", label }], "0.base", /expected one of/],
    [
      "a base that means another",
      "statuses",
      [{ code: "available", base: "off_duty", label }],
      "0.base",
      /itself alone/,
    ],
    [
      "a type twice",
      "statuses",
      [{ code: "a", base: "available", label, types: ["vehicles", "vehicles"] }],
      "0.types",
      /twice/,
    ],
    [
      "a gap of levels",
      "runCards",
      [{ ...card("x"), alarms: [...alarms, { ...alarms[0], level: 3 }] }],
      "0.alarms.1.level",
      /this is 2/,
    ],
    [
      "a first level of two",
      "runCards",
      [{ ...card("x"), alarms: [{ ...alarms[0], level: 2 }] }],
      "0.alarms.0.level",
      /this is 1/,
    ],
    [
      "nothing required",
      "runCards",
      [{ ...card("x"), alarms: [{ level: 1, requires: [] }] }],
      "0.alarms.0.requires",
      />=1/,
    ],
    [
      "anything required",
      "runCards",
      [{ ...card("x"), alarms: [{ level: 1, requires: [{ capabilities: [], count: 1 }] }] }],
      "0.alarms.0.requires.0",
      /capabilities or types/,
    ],
    [
      "two for one type",
      "runCards",
      [card("x"), card("y"), card("x")],
      "2.incidentType",
      /ambiguous: items\[0\] is for x without/,
    ],
    [
      "two for one priority",
      "runCards",
      [card("*", [1, 2]), card("*", [3, 2])],
      "1.priorities",
      /ambiguous: items\[0\] is for \* at priority 2/,
    ],
    ["a priority twice", "runCards", [card("x", [2, 2])], "0.priorities", /twice/],
    ["no phase", "timeTargets", [{ incidentType: "*", phases: {} }], "0.phases", /one phase/],
    [
      "two time targets",
      "timeTargets",
      [
        { incidentType: "*", phases: { dispatchSeconds: 1 } },
        { incidentType: "*", phases: { travelSeconds: 1 } },
      ],
      "1.incidentType",
      /ambiguous/,
    ],
    [
      "no such action",
      "escalation",
      [{ incidentType: "*", unassignedSeconds: 1, action: "pray" }],
      "0.action",
      /expected one of/,
    ],
    [
      "no type",
      "escalation",
      [{ incidentType: 5, unassignedSeconds: 1, action: "both" }],
      "0.incidentType",
      /or \* for all/,
    ],
    [
      "a role that there is not",
      "escalation",
      [{ incidentType: "*", unassignedSeconds: 1, action: "both", notify: [{ kind: "role", to: "supervisors" }] }],
      "0.notify.0.to",
      /one of the roles dispatcher/,
    ],
    [
      "too many to tell",
      "timeTargets",
      [
        {
          incidentType: "*",
          phases: { dispatchSeconds: 1 },
          notify: Array.from({ length: 11 }, (_, index) => ({ kind: "user", to: `u${index}` })),
        },
      ],
      "0.notify",
      /<=10/,
    ],
    ["no limit at all", "positionLimits", [{ category: "*" }], "0", /speedMaxKmh or accuracyMaxMetres/],
    ["a limit of nothing", "positionLimits", [{ category: "*", speedMaxKmh: 0 }], "0.speedMaxKmh", />0/],
    ["what is no category", "positionLimits", [{ category: 7, speedMaxKmh: 1 }], "0.category", /\* for all others/],
    [
      "two limits of a category",
      "positionLimits",
      [
        { category: "boat", speedMaxKmh: 90 },
        { category: "boat", accuracyMaxMetres: 50 },
      ],
      "1.category",
      /items\[0\] already/,
    ],
    [
      "too many",
      "dispositions",
      Array.from({ length: 201 }, (_, index) => ({ code: `c${index}`, label })),
      "",
      /<=200/,
    ],
  ];
  it.each(cases)("for %s in %s", (_why, section, items, path, message) => {
    const { error } = sectionSchemas[section].safeParse(items);
    expect(error?.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message }))).toContainEqual({
      path,
      message: expect.stringMatching(message),
    });
  });

  it("but neither one with and one without priorities, nor a category of two types", () => {
    expect(sectionSchemas.runCards.safeParse([card("x"), card("x", [1]), card("x", [2, 3]), card("*")]).success).toBe(
      true,
    );
    const categories = ["personnel", "vehicles"].map((type) => ({ code: "special", type, label }));
    expect(sectionSchemas.resourceCategories.safeParse(categories).success).toBe(true);
  });
});
