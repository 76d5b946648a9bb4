import type { Requirement } from "../../../actors/resource/recommendation.ts";
import { type Configuration, escalationFor, runCardFor, timeTargetsFor } from "../../../schema/configuration.ts";
import type { EscalationRule, Policy, TimeTargets } from "../../../schema/incident.ts";
import type { ResourceStatus } from "../../../schema/resource.ts";
import type { Services } from "./call.ts";
import { configurationOf } from "./configured.ts";

const PRIORITIES = [1, 2, 3, 4, 5];

/** Where an agency says nothing: one vehicle. */
const ONE_VEHICLE: readonly Requirement[] = [{ capabilities: [], types: ["vehicles"], count: 1 }];

/** The rules for an incident of a type, whatever its priority will be; undefined where the agency has none. */
export function policyFor(services: Services, agencyId: string, type: string): Policy | undefined {
  const configuration = configurationOf(services, agencyId);
  const statusWarningsMs = warningsOf(configuration);
  if (configuration.escalation.length + configuration.timeTargets.length + Object.keys(statusWarningsMs).length === 0)
    return;
  const escalation: Record<number, EscalationRule> = {};
  const targets: Record<number, TimeTargets> = {};
  for (const priority of PRIORITIES) {
    const rule = escalationFor(configuration, type, priority);
    if (rule !== undefined) escalation[priority] = rule;
    const target = timeTargetsFor(configuration, type, priority);
    if (target !== undefined) targets[priority] = target;
  }
  // Rules replace the built-in ones as a whole: who has written some knows which incidents they leave out.
  const rules = configuration.escalation.length === 0 ? {} : { escalation };
  return { ...rules, targets, statusWarningsMs };
}

/** How long is long in each base status, where the agency says so of the base status itself. */
function warningsOf({ statuses }: Configuration): Partial<Record<ResourceStatus, number>> {
  const warnings: Partial<Record<ResourceStatus, number>> = {};
  for (const { code, base, warnAfterSeconds } of statuses)
    if (code === base && warnAfterSeconds !== undefined) warnings[base] = warnAfterSeconds * 1_000;
  return warnings;
}

/** What an incident takes by its agency's run card, up to its alarm level. */
export function requirementsFor(
  services: Services,
  agencyId: string,
  { type, priority }: { readonly type: string; readonly priority: number },
  alarmLevel: number,
): readonly Requirement[] {
  const card = runCardFor(configurationOf(services, agencyId), type, priority);
  if (card === undefined) return ONE_VEHICLE;
  return card.alarms
    .filter(({ level }) => level <= alarmLevel)
    .flatMap(({ requires }) =>
      requires.map(({ capabilities = [], types = [], count }) => ({ capabilities, types, count })),
    );
}
