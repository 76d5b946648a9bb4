import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../runtime/actor.ts";
import { specificationOf } from "../../runtime/testing/given.ts";
import {
  type AgencyCommand,
  type AgencyEvent,
  CONFIGURATION_BYTES_MAX,
  configuration,
  emptyConfiguration,
  emptySections,
  runCardFor,
  type Section,
  type Sections,
  sectionSchemas,
  sections,
} from "../../schema/configuration.ts";
import { agency } from "./definition.ts";
import { agencyView } from "./view.ts";

const given = specificationOf<AgencyCommand, AgencyEvent>(agency, "metro");

const configure = <S extends Section>(section: S, items: Sections[S]) =>
  ({ type: "configure", section, items }) as AgencyCommand;
const configured = <S extends Section>(section: S, to: Sections[S], from: Sections[S] = []) =>
  ({ type: "agency.configured", section, from, to }) as AgencyEvent;

const label = "L";
const fire = configured("incidentTypes", [{ code: "fire", label }]);
const engines = configured("capabilities", [{ code: "engine", label }]);
const card = (incidentType: string, ...capabilities: string[]): Sections["runCards"][number] => ({
  incidentType,
  alarms: [{ level: 1, requires: [{ capabilities, count: 1 }] }],
});

describe("an agency", () => {
  it("is there once it is configured, under its own id", () => {
    expect(agency.agencyOf(agency.initial)).toBeUndefined();
    const { state, deadlines } = given(fire);
    expect(agency.agencyOf(state as typeof agency.initial)).toBe("metro");
    expect(deadlines()).toEqual([]);
    expect(agencyView.present("metro", state, 1)).toEqual({
      ...emptyConfiguration("metro"),
      version: 1,
      updatedAt: "2026-01-01T00:00:00.000Z",
      incidentTypes: [{ code: "fire", label }],
    });
    expect(agencyView.present("metro", agency.initial, 0)).toEqual(emptyConfiguration("metro"));
  });

  it("tells what a section was and what it is, and nothing where it is the same", () => {
    const more = [{ code: "engine", label: "Engine" }];
    expect(given(engines).when(configure("capabilities", more)).events).toEqual([
      configured("capabilities", more, [{ code: "engine", label }]),
    ]);
    expect(given(engines).when(configure("capabilities", [{ code: "engine", label }])).events).toEqual([]);
    expect(given().when(configure("capabilities", [])).events).toEqual([]);
  });

  it("changes one section at a time, and leaves the others", () => {
    const { state } = given(fire, engines, configured("capabilities", [], [{ code: "engine", label }]));
    expect(agencyView.present("metro", state, 3)).toMatchObject({
      capabilities: [],
      incidentTypes: [{ code: "fire", label }],
    });
  });
});

describe("what refers to another section", () => {
  const issuesOf = (happened: AgencyEvent[], command: AgencyCommand) => {
    const { decision, refused } = given(...happened).when(command);
    return { refused, issues: (decision as { data?: { issues: unknown } }).data?.issues };
  };

  it("is refused where that section does not have it, with the place in what was sent", () => {
    const cards = [card("*", "engine"), card("flood", "engine", "boat")];
    expect(issuesOf([fire, engines], configure("runCards", cards))).toEqual({
      refused: "invalid_body",
      issues: [
        { path: "items[1].incidentType", message: "flood is not among the agency's incidentTypes" },
        {
          path: "items[1].alarms[0].requires[0].capabilities[1]",
          message: "boat is not among the agency's capabilities",
        },
      ],
    });
    const rule = { incidentType: "flood", unassignedSeconds: 1, action: "both" } as const;
    expect(issuesOf([fire], configure("escalation", [rule])).issues).toMatchObject([{ path: "items[0].incidentType" }]);
    const target = { incidentType: "flood", phases: { travelSeconds: 1 } };
    expect(issuesOf([fire], configure("timeTargets", [target])).issues).toMatchObject([
      { path: "items[0].incidentType" },
    ]);
  });

  it("as positions' limits name resource categories", () => {
    const categories = configured("resourceCategories", [{ code: "boat", type: "vehicles", label }]);
    const limits = ["*", "boat", "bike"].map((category) => ({ category, speedMaxKmh: 90 }));
    expect(issuesOf([categories], configure("positionLimits", limits))).toEqual({
      refused: "invalid_body",
      issues: [{ path: "items[2].category", message: "bike is not among the agency's resourceCategories" }],
    });
  });

  it("is judged as well where a state was kept before a section came", () => {
    const { positionLimits: _later, ...sections } = emptySections;
    const kept = { agencyId: "metro", updatedAt: null, sections };
    const decided = decide(agency, kept, configure("positionLimits", [{ category: "*", speedMaxKmh: 90 }]), {
      id: "metro",
      at: "2026-01-01T00:00:00.000Z",
      by: { subject: "s", agencies: ["metro"], roles: ["admin"] },
    });
    expect(decided).toEqual([configured("positionLimits", [{ category: "*", speedMaxKmh: 90 }])]);
  });

  it("is accepted while that section is empty", () => {
    expect(given().when(configure("runCards", [card("flood", "boat")])).types).toEqual(["agency.configured"]);
  });

  it("keeps that section from losing it, unless the whole section goes", () => {
    const before = [engines, configured("runCards", [card("flood", "engine")])];
    expect(issuesOf(before, configure("capabilities", [{ code: "boat", label }]))).toEqual({
      refused: "invalid_body",
      issues: [
        {
          path: "items",
          message: "engine is missing: runCards[0].alarms[0].requires[0].capabilities[0] names it",
        },
      ],
    });
    expect(issuesOf(before, configure("incidentTypes", [{ code: "fire", label }])).issues).toMatchObject([
      { path: "items", message: "flood is missing: runCards[0].incidentType names it" },
    ]);
    expect(given(...before).when(configure("capabilities", [])).types).toHaveLength(1);
  });

  it("is told of fifty times at most", () => {
    const cards = Array.from({ length: 200 }, (_, index) => card(`type ${index}`, "engine"));
    expect(issuesOf([fire], configure("runCards", cards)).issues).toHaveLength(50);
  });
});

it("all sections together stay within what a snapshot and an event may carry", () => {
  const long = "界".repeat(90);
  const cards = Array.from({ length: 500 }, (_, index) => ({
    incidentType: `${index} ${long.slice(0, 40)}`,
    alarms: [{ level: 1, requires: [{ capabilities: [long.slice(0, 40), "a", "b", "c"], count: 1 }] }],
  }));
  const half = cards.slice(0, 200);
  expect(given().when(configure("runCards", half)).types).toHaveLength(1);
  const targets = Array.from({ length: 500 }, (_, index) => ({
    incidentType: `${index} ${long.slice(0, 45)}`,
    phases: { dispatchSeconds: 60, turnoutSeconds: 60, travelSeconds: 240 },
  }));
  expect(sectionSchemas.timeTargets.safeParse(targets).success).toBe(true);
  const after = given(configured("runCards", cards));
  expect(after.when(configure("timeTargets", targets)).refused).toBe("limit_reached");
  expect(Buffer.byteLength(JSON.stringify(cards))).toBeLessThan(CONFIGURATION_BYTES_MAX);
});

describe("any valid configuration", () => {
  const anyCode = fc.stringMatching(/^[a-z][a-z0-9 _]{0,11}$/);
  const anyLabel = fc
    .string({ minLength: 1, maxLength: 30, unit: fc.constantFrom(..."abc äß-界") })
    .filter((text) => text.trim() !== "");
  const codes = fc.uniqueArray(anyCode, { minLength: 1, maxLength: 6 });
  const resourceType = fc.constantFrom("personnel", "vehicles", "equipment");
  const labelled = (named: string[]) =>
    fc.tuple(...named.map((code) => fc.record({ code: fc.constant(code), label: anyLabel })));

  /** For each type a rule without priorities or none, and some with priorities that do not overlap. */
  const rulesFor = <T extends object>(incidentTypes: string[], content: fc.Arbitrary<T>) =>
    fc
      .tuple(
        ...[...incidentTypes, "*"].map((incidentType) =>
          fc.tuple(fc.boolean(), fc.subarray([1, 2, 3, 4, 5]), fc.boolean()).map(([plain, some, others]) => {
            const rest = [1, 2, 3, 4, 5].filter((priority) => !some.includes(priority));
            return [
              ...(plain ? [{ incidentType }] : []),
              ...(some.length > 0 ? [{ incidentType, priorities: some }] : []),
              ...(others && rest.length > 0 ? [{ incidentType, priorities: rest }] : []),
            ];
          }),
        ),
      )
      .chain((rules) => fc.tuple(...rules.flat().map((rule) => content.map((more) => ({ ...rule, ...more })))));

  const anyConfiguration = fc.tuple(codes, codes).chain(([incidentTypes, capabilities]) => {
    const requirement = fc.record({
      capabilities: fc.subarray(capabilities, { minLength: 1 }),
      count: fc.integer({ min: 1, max: 50 }),
    });
    const alarms = fc
      .array(fc.array(requirement, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
      .map((levels) => ({ alarms: levels.map((requires, index) => ({ level: index + 1, requires })) }));
    const duration = fc.integer({ min: 1, max: 86_400 });
    return fc.record({
      incidentTypes: labelled(incidentTypes),
      capabilities: labelled(capabilities),
      resourceCategories: fc.uniqueArray(fc.record({ code: anyCode, type: resourceType, label: anyLabel }), {
        maxLength: 5,
        selector: ({ code, type }) => `${code}/${type}`,
      }),
      statuses: codes.chain((named) =>
        fc.tuple(
          ...named.map((code) =>
            fc.record(
              {
                code: fc.constant(`own ${code}`),
                base: fc.constantFrom("available", "returning", "on_scene"),
                label: anyLabel,
                warnAfterSeconds: duration,
                types: fc.subarray(["personnel", "vehicles", "equipment"], { minLength: 1 }),
              },
              { requiredKeys: ["code", "base", "label"] },
            ),
          ),
        ),
      ),
      dispositions: codes.chain(labelled),
      runCards: rulesFor(incidentTypes, alarms),
      timeTargets: rulesFor(
        incidentTypes,
        fc.record({
          phases: fc.record({ dispatchSeconds: duration }),
          atRiskPercent: fc.integer({ min: 1, max: 100 }),
        }),
      ),
      escalation: rulesFor(
        incidentTypes,
        fc.record(
          {
            unassignedSeconds: duration,
            action: fc.constantFrom("raise_priority", "both"),
            notify: fc.array(fc.constantFrom({ kind: "role", to: "admin" }, { kind: "webhook", to: "desk" }), {
              maxLength: 3,
            }),
          },
          { requiredKeys: ["unassignedSeconds", "action"] },
        ),
      ),
      positionLimits: fc.constantFrom([], [{ category: "*", speedMaxKmh: 90, accuracyMaxMetres: 20.5 }]),
    });
  });

  it("is accepted section by section, in whatever order, and is shown as it was given", () => {
    fc.assert(
      fc.property(
        anyConfiguration,
        fc.shuffledSubarray([...sections], { minLength: sections.length }),
        (all, order) => {
          const events: AgencyEvent[] = [];
          for (const section of order) {
            const items = sectionSchemas[section].parse(JSON.parse(JSON.stringify(all[section])));
            const { events: more } = given(...events).when(configure(section, items as never));
            events.push(...more!);
          }
          const { state } = given(...events);
          const shown = agencyView.present("metro", JSON.parse(JSON.stringify(state)), events.length);
          expect(shown).toMatchObject(all);
          expect(configuration.parse(shown)).toEqual(shown);
        },
      ),
    );
  });

  it("has one answer for every incident, which no order of the cards changes", () => {
    fc.assert(
      fc.property(anyConfiguration, fc.integer({ min: 1, max: 5 }), ({ incidentTypes, runCards }, priority) => {
        const cards = sectionSchemas.runCards.parse(runCards);
        for (const { code } of [...incidentTypes, { code: "unheard of" }]) {
          const found = runCardFor({ runCards: cards }, code, priority);
          expect(runCardFor({ runCards: [...cards].reverse() }, code, priority)).toBe(found);
          expect([code, "*", undefined]).toContain(found?.incidentType);
        }
      }),
    );
  });
});
