import type { Cause, Reaction, Told } from "../../runtime/actor.ts";
import type { ChannelCommand } from "../../schema/channel.ts";
import type { IncidentEvent } from "../../schema/incident.ts";
import { isSystemSubject } from "../../schema/principal.ts";

/**
 * An incident's channel has the incident's id. It is made with it, has its units for as long as they are assigned, and
 * those who took part in dispatching; it closes with it.
 */
export const incidentChannel: Reaction = {
  name: "channel",
  of: "incident",
  on: [
    "incident.created",
    "incident.assigned",
    "incident.unit_status_changed",
    "incident.escalated",
    "incident.alarm_raised",
    "incident.shared",
    "incident.unshared",
    "incident.closed",
    "incident.cancelled",
    "incident.merged_into",
    "incident.reopened",
  ] satisfies IncidentEvent["type"][],

  react({ id, agency, version, by, events }: Cause): readonly Told[] {
    let command: Extract<ChannelCommand, { type: "follow" }> = { type: "follow", version, agencyId: agency };
    let tells = false;
    for (const event of events as readonly IncidentEvent[]) {
      const change = changeOf(event, command);
      if (change === undefined) continue;
      tells = true;
      command = { ...command, ...change };
      if (TAKES_PART.has(event.type) && !isSystemSubject(by)) command = { ...command, member: by };
    }
    return tells ? [{ to: { kind: "channel", id }, command: { ...command } }] : [];
  },
};

const TAKES_PART: ReadonlySet<string> = new Set([
  "incident.created",
  "incident.assigned",
  "incident.escalated",
  "incident.alarm_raised",
] satisfies IncidentEvent["type"][]);

type Follow = Extract<ChannelCommand, { type: "follow" }>;

function changeOf(event: IncidentEvent, { joined = [], left = [] }: Follow): Partial<Follow> | undefined {
  switch (event.type) {
    case "incident.created":
      return { name: event.incidentNumber };
    case "incident.assigned":
      return { joined: [...joined, { unitId: event.unitId, unitType: event.unitType }] };
    case "incident.unit_status_changed":
      return event.to === "cleared" ? { left: [...left, event.unitId] } : undefined;
    case "incident.escalated":
    case "incident.alarm_raised":
      return {};
    case "incident.shared":
      return { shared: event.agencyId };
    case "incident.unshared":
      return { unshared: event.agencyId };
    case "incident.closed":
    case "incident.cancelled":
    case "incident.merged_into":
      return { turned: "closed" };
    case "incident.reopened":
      return { turned: "open" };
    default:
      return;
  }
}
