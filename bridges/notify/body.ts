import type { Board } from "../../runtime/board.ts";
import type { Incident } from "../../schema/incident.ts";
import type { AboutGroup, AboutIncident, DeliveryAbout } from "../../schema/notification.ts";

/** Of a group of hundreds the first tell what it is about; the rest are counted. */
const SHOWN_MAX = 50;

/** A notification as a CloudEvent (https://cloudevents.io), version 1.0, with alerts and incidents as they are now. */
export function eventOf(board: Board, id: string, about: DeliveryAbout): string {
  const told = isOfIncident(about) ? incidentTold(board, about) : groupTold(board, about);
  return JSON.stringify({ specversion: "1.0", id, time: about.at, datacontenttype: "application/json", ...told });
}

export function isOfIncident(about: DeliveryAbout): about is AboutIncident {
  return "incidentId" in about;
}

function groupTold(board: Board, { groupId, receiver, page, reason, firing, resolved }: AboutGroup): object {
  return {
    source: `/api/v1/routing/groups/${groupId}`,
    type: "alertgroup.notified",
    data: {
      ...{ groupId, receiver, page, reason },
      firing: shown(board, firing),
      resolved: shown(board, resolved),
      firingCount: firing.length,
      resolvedCount: resolved.length,
    },
  };
}

/** Under the name that the timeline has for it. */
function incidentTold(board: Board, { incidentId, concern, reason }: AboutIncident): object {
  const row = board.get({ kind: "incident", id: incidentId });
  const bySupervisors = concern === "unassigned" || concern === "alarm";
  return {
    source: `/api/v1/incidents/${incidentId}`,
    type: bySupervisors ? "incident.supervisor_notified" : "sla.at_risk",
    data: {
      ...{ incidentId, concern, reason },
      incident: row === undefined ? { id: incidentId } : board.present("incident", row),
    },
  };
}

function shown(board: Board, ids: readonly string[]): readonly object[] {
  return ids.slice(0, SHOWN_MAX).map((id) => {
    const row = board.get({ kind: "alert", id });
    return row === undefined ? { id } : board.present("alert", row);
  });
}

const WORDS: Readonly<Record<AboutGroup["reason"], string>> = {
  firing: "Firing",
  repeat: "Still firing",
  resolved: "Some are over",
  all_resolved: "All over",
  escalation: "Nobody has answered",
  acknowledged: "Somebody has it in hand",
};

/** The same for people, in few lines. */
export function textOf(board: Board, about: DeliveryAbout): string {
  return isOfIncident(about) ? incidentText(board, about) : groupText(board, about);
}

function incidentText(board: Board, { incidentId, reason }: AboutIncident): string {
  const row = board.get({ kind: "incident", id: incidentId });
  const { incidentNumber, title, priority } = (
    row === undefined ? {} : board.present("incident", row)
  ) as Partial<Incident>;
  return [
    `${incidentNumber ?? incidentId}: ${reason}`,
    ...(title === undefined ? [] : [`${title} (priority ${priority})`]),
  ].join("\n");
}

function groupText(board: Board, { reason, firing, resolved }: AboutGroup): string {
  const titles = [...firing, ...resolved].slice(0, 5).map((id) => {
    const row = board.get({ kind: "alert", id });
    const { title, severity } = (row === undefined ? {} : board.present("alert", row)) as Record<string, string>;
    return title === undefined ? id : `${title} (${severity})`;
  });
  const more = firing.length + resolved.length - titles.length;
  return [`${WORDS[reason]}:`, ...titles, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}
