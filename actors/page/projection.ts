import type { ActorProjection, Row, Table } from "../../runtime/projection.ts";
import type { PageAbout } from "../../schema/push.ts";
import type { KnownPage } from "./state.ts";

const pages: Table = {
  name: "pages",
  key: ["id"],
  columns: {
    id: "plain",
    agency_id: "plain",
    urgency: "plain",
    about: "plain",
    incident_id: "plain",
    unit_id: "plain",
    channel_id: "plain",
    group_id: "plain",
    recipients: "list",
    opened_at: "plain",
    expires_at: "plain",
    closed_at: "plain",
    ended_as: "plain",
    acknowledged_by: "plain",
    departed_at: "plain",
    version: "plain",
    sequence: "plain",
    state: "plain",
  },
};

export const pageProjection: ActorProjection<KnownPage> = {
  table: pages,
  row: (id, it, version, sequence): Row => ({
    id,
    agency_id: it.agencyId,
    urgency: it.urgency,
    about: it.about.kind,
    ...thingOf(it.about),
    recipients: it.recipients.flatMap(({ subject }) => subject ?? []),
    opened_at: it.openedAt,
    expires_at: it.expiresAt,
    closed_at: it.closedAt,
    ended_as: it.end,
    acknowledged_by: it.acknowledgedBy,
    departed_at: it.archivedAt ?? null,
    version,
    sequence,
    state: JSON.stringify(it),
  }),
};

function thingOf(about: PageAbout): Row {
  const nothing = { incident_id: null, unit_id: null, channel_id: null, group_id: null };
  switch (about.kind) {
    case "assignment":
      return { ...nothing, incident_id: about.incidentId, unit_id: about.unitId };
    case "concern":
      return { ...nothing, incident_id: about.incidentId };
    case "message":
      return { ...nothing, channel_id: about.channelId };
    case "alerts":
      return { ...nothing, group_id: about.groupId };
  }
}
