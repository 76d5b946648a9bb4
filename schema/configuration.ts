import { z } from "zod";
import { code, said, timestamp } from "./common.ts";
import { ALARM_LEVELS_MAX, type EscalationRule, phases, priority, type TimeTargets } from "./incident.ts";
import { agencyId, roles } from "./principal.ts";
import { type ResourceStatus, type ResourceType, resourceStatuses, resourceTypes } from "./resource.ts";
import { type Target, target } from "./routing/document.ts";

/**
 * What an agency may settle for itself. Every section is a document of its own, replaced as a whole; an empty one says
 * nothing: no restriction, and what is built in applies. What one section says of another is checked by the actor, which
 * alone sees both.
 */

/** All sections as JSON: they are in one snapshot, and twice in the event of a change. */
export const CONFIGURATION_BYTES_MAX = 262_144;

const DAY_SECONDS = 86_400;
const UNITS_MAX = 50;
/** Whatever is not in orbit. */
const SPEED_MAX_KMH = 12_000;
const ACCURACY_MAX_METRES = 100_000;
/** They are kept with every incident that the rule is for, once for each priority. */
const NOTIFIED_MAX = 10;

const label = said(100);
const types = unique(z.array(z.enum(resourceTypes)).min(1));
const seconds = (max: number) => z.number().int().min(1).max(max);

/** Whom a rule is for. The most specific one wins: an incident type before `*`, then with priorities before without. */
const rule = {
  incidentType: z
    .union([z.literal("*"), code], { error: "an incident type, or * for all of them" })
    .describe("an incident type, or * for all of them"),
  priorities: unique(z.array(priority).min(1)).optional().describe("default: all"),
};

const requirement = z
  .strictObject({
    capabilities: unique(z.array(code).max(10)).describe("a unit must have all of them"),
    types: types.optional().describe("default: any type of resource"),
    count: z.number().int().min(1).max(UNITS_MAX),
  })
  .refine(({ capabilities, types }) => capabilities.length > 0 || types !== undefined, "capabilities or types");

/** Nobody has a role that there is not: a word that is misspelt would tell nobody. */
const notify = z
  .array(
    target.refine(({ kind, to }) => kind !== "role" || (roles as readonly string[]).includes(to), {
      path: ["to"],
      message: `one of the roles ${roles.join(", ")}`,
    }),
  )
  .max(NOTIFIED_MAX)
  .optional()
  .describe("who is told; default: everybody of the agency with the role supervisor. []: nobody");

const alarm = z.strictObject({
  level: z.number().int().min(1).max(ALARM_LEVELS_MAX),
  requires: z.array(requirement).min(1).max(20).describe("what this level adds to the one before"),
});

export const sectionSchemas = {
  incidentTypes: list(
    z.strictObject({
      code,
      category: code.optional(),
      label,
      priority: priority.optional().describe("of an incident that is reported without one"),
    }),
    500,
    distinct(({ code }) => code),
  ),
  resourceCategories: list(
    z.strictObject({ code, type: z.enum(resourceTypes), label }),
    200,
    distinct(({ code, type }) => `${code} of ${type}`),
  ),
  capabilities: list(
    z.strictObject({ code, label }),
    500,
    distinct(({ code }) => code),
  ),
  statuses: list(
    z.strictObject({
      code: code.describe("a code of the agency's own, or the name of a base status to say more of it"),
      base: z.enum(resourceStatuses).describe("what it means to everybody"),
      label,
      warnAfterSeconds: seconds(30 * DAY_SECONDS)
        .optional()
        .describe("longer than this is worth a warning"),
      types: types.optional().describe("the types of resource that have it; default: all"),
    }),
    100,
    function* (statuses) {
      yield* distinct<{ code: string }>(({ code }) => code)(statuses);
      for (const [index, { code, base }] of statuses.entries()) {
        if (isBase(code) && code !== base)
          yield [[index, "base"], `${code} is a base status: it can mean itself alone`];
      }
    },
  ),
  dispositions: list(
    z.strictObject({ code, label }),
    200,
    distinct(({ code }) => code),
  ),
  runCards: list(
    z.strictObject({ ...rule, alarms: z.array(alarm).min(1).max(ALARM_LEVELS_MAX) }),
    500,
    function* (cards) {
      yield* unambiguous(cards);
      for (const [index, { alarms }] of cards.entries()) {
        for (const [place, { level }] of alarms.entries()) {
          if (level !== place + 1) {
            yield [[index, "alarms", place, "level"], `levels count from 1 without a gap: this is ${place + 1}`];
          }
        }
      }
    },
  ),
  timeTargets: list(
    z.strictObject({
      ...rule,
      phases: z
        .strictObject({
          dispatchSeconds: seconds(DAY_SECONDS).optional().describe("from the call to the first unit sent"),
          turnoutSeconds: seconds(DAY_SECONDS).optional().describe("from sent to moving"),
          travelSeconds: seconds(DAY_SECONDS).optional().describe("from moving to on scene"),
        })
        .refine((targets) => Object.keys(targets).length > 0, "one phase at least"),
      atRiskPercent: z.number().int().min(1).max(100).optional().describe(`of a target; default: 80`),
      notify,
    }),
    500,
    unambiguous,
  ),
  escalation: list(
    z.strictObject({
      ...rule,
      unassignedSeconds: seconds(7 * DAY_SECONDS).describe("how long an incident may wait for its first unit"),
      action: z
        .enum(["raise_priority", "notify_supervisor", "both", "raise_alarm"])
        .describe("raise_alarm: by one level, and the supervisor is told"),
      notifyAtAlarmLevel: z
        .number()
        .int()
        .min(2)
        .max(ALARM_LEVELS_MAX)
        .optional()
        .describe("the supervisor is told whenever the alarm is raised to this level or above"),
      notify,
    }),
    500,
    unambiguous,
  ),
  positionLimits: list(
    z
      .strictObject({
        category: z
          .union([z.literal("*"), code], { error: "a resource category, or * for all others" })
          .describe("a resource category, or * for all others but those that fly"),
        speedMaxKmh: z
          .number()
          .positive()
          .max(SPEED_MAX_KMH)
          .optional()
          .describe("a fix that takes more than this from the last one is refused; default: 300, for what flies 1200"),
        accuracyMaxMetres: z
          .number()
          .positive()
          .max(ACCURACY_MAX_METRES)
          .optional()
          .describe("a fix that says to be less accurate is refused; default: 500"),
      })
      .refine(
        ({ category: _category, ...limits }) => Object.keys(limits).length > 0,
        "speedMaxKmh or accuracyMaxMetres",
      ),
    200,
    distinct(({ category }) => category, "category"),
  ),
} as const;

export type Section = keyof typeof sectionSchemas;
export const sections = Object.keys(sectionSchemas) as readonly Section[];
export type Sections = { readonly [S in Section]: Readonly<z.infer<(typeof sectionSchemas)[S]>> };

/** An agency's configuration as the API shows it. */
export const configuration = z
  .strictObject({
    agencyId,
    version: z.number().int().min(0).describe("0: nothing was ever configured"),
    updatedAt: timestamp.nullable(),
    ...sectionSchemas,
  })
  .meta({ id: "Configuration" });
export type Configuration = {
  readonly agencyId: string;
  readonly version: number;
  readonly updatedAt: string | null;
} & Sections;

export const emptySections: Sections = {
  incidentTypes: [],
  resourceCategories: [],
  capabilities: [],
  statuses: [],
  dispositions: [],
  runCards: [],
  timeTargets: [],
  escalation: [],
  positionLimits: [],
};

export const emptyConfiguration = (agencyId: string): Configuration => ({
  agencyId,
  version: 0,
  updatedAt: null,
  ...emptySections,
});

/** What may be asked of an agency's actor. */
export type AgencyCommand = {
  readonly [S in Section]: { readonly type: "configure"; readonly section: S; readonly items: Sections[S] };
}[Section];

export type AgencyEvent = {
  readonly [S in Section]: {
    readonly type: "agency.configured";
    readonly section: S;
    readonly from: Sections[S];
    readonly to: Sections[S];
  };
}[Section];

export type RunCard = Sections["runCards"][number];

/** Which incidents a rule is for. */
interface ForIncidents {
  readonly incidentType: string;
  readonly priorities?: readonly number[] | undefined;
}

const AT_RISK_PERCENT = 80;

/** What an incident of this type and priority takes; each level of it adds to the one before. */
export function runCardFor(
  { runCards }: Pick<Sections, "runCards">,
  type: string,
  priority: number,
): RunCard | undefined {
  return mostSpecific(runCards, type, priority);
}

export function timeTargetsFor(
  { timeTargets }: Pick<Sections, "timeTargets">,
  type: string,
  priority: number,
): TimeTargets | undefined {
  const found = mostSpecific(timeTargets, type, priority);
  if (found === undefined) return;
  const targets: Partial<Record<`${(typeof phases)[number]}Ms`, number>> = {};
  for (const phase of phases) {
    const targetSeconds = found.phases[`${phase}Seconds`];
    if (targetSeconds !== undefined) targets[`${phase}Ms`] = targetSeconds * 1_000;
  }
  return { ...targets, atRiskPercent: found.atRiskPercent ?? AT_RISK_PERCENT, ...notifiedBy(found) };
}

export function escalationFor(
  { escalation }: Pick<Sections, "escalation">,
  type: string,
  priority: number,
): EscalationRule | undefined {
  const found = mostSpecific(escalation, type, priority);
  if (found === undefined) return;
  const { unassignedSeconds, action, notifyAtAlarmLevel } = found;
  const alarm = notifyAtAlarmLevel === undefined ? {} : { notifyAtAlarmLevel };
  return { unassignedMs: unassignedSeconds * 1_000, action, ...alarm, ...notifiedBy(found) };
}

function notifiedBy({ notify }: { readonly notify?: readonly Target[] | undefined }): {
  readonly notify?: readonly Target[];
} {
  return notify === undefined ? {} : { notify };
}

export interface MeantStatus {
  readonly base: ResourceStatus;
  /** Only for a code of the agency's own. */
  readonly code?: string;
  readonly warnAfterMs?: number;
}

/** @returns undefined for a code that resources of this type do not have; base statuses are always there */
export function statusFor(
  { statuses }: Pick<Sections, "statuses">,
  statusCode: string,
  type: ResourceType,
): MeantStatus | undefined {
  const defined = statuses.find(({ code, types }) => code === statusCode && (types?.includes(type) ?? true));
  if (defined === undefined) return isBase(statusCode) ? { base: statusCode } : undefined;
  const { base, warnAfterSeconds } = defined;
  return {
    base,
    ...(statusCode === base ? {} : { code: statusCode }),
    ...(warnAfterSeconds === undefined ? {} : { warnAfterMs: warnAfterSeconds * 1_000 }),
  };
}

function mostSpecific<R extends ForIncidents>(rules: readonly R[], type: string, priority: number): R | undefined {
  let best: R | undefined;
  let bestRank = 0;
  for (const rule of rules) {
    const rank = specificity(rule, type, priority);
    if (rank <= bestRank) continue;
    best = rule;
    bestRank = rank;
  }
  return best;
}

/** 0: it is not for such an incident. */
function specificity({ incidentType, priorities }: ForIncidents, type: string, priority: number): number {
  if (incidentType !== "*" && incidentType !== type) return 0;
  if (priorities !== undefined && !priorities.includes(priority)) return 0;
  return 1 + (incidentType === "*" ? 0 : 2) + (priorities === undefined ? 0 : 1);
}

function isBase(status: string): status is ResourceStatus {
  return (resourceStatuses as readonly string[]).includes(status);
}

type Flaw = readonly [path: readonly (string | number)[], message: string];

function list<T extends z.ZodType>(item: T, max: number, flaws: (items: z.infer<T>[]) => Iterable<Flaw>) {
  return z
    .array(item)
    .max(max)
    .superRefine((items, context) => {
      for (const [path, message] of flaws(items)) context.addIssue({ code: "custom", path: [...path], message });
    });
}

function unique<T extends z.ZodArray>(values: T) {
  return values.refine((items) => new Set(items).size === items.length, "one of them is named twice");
}

function distinct<T>(nameOf: (item: T) => string, member = "code") {
  return function* (items: readonly T[]): Generator<Flaw> {
    const known = new Map<string, number>();
    for (const [index, item] of items.entries()) {
      const name = nameOf(item);
      const before = known.get(name);
      if (before === undefined) known.set(name, index);
      else yield [[index, member], `${name} is items[${before}] already`];
    }
  };
}

/** Two rules that are equally specific and fit the same incident would leave it open which of them holds. */
function* unambiguous(rules: readonly ForIncidents[]): Generator<Flaw> {
  const known = new Map<string, number>();
  for (const [index, { incidentType, priorities }] of rules.entries()) {
    for (const priority of priorities ?? ["any"]) {
      const key = `${priority} ${incidentType}`;
      const before = known.get(key);
      if (before === undefined) known.set(key, index);
      else {
        const both = priorities === undefined ? "without priorities" : `at priority ${priority}`;
        yield [
          [index, priorities === undefined ? "incidentType" : "priorities"],
          `ambiguous: items[${before}] is for ${incidentType} ${both}, too`,
        ];
      }
    }
  }
}
