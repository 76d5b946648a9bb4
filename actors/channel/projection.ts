import type { ActorProjection, Row, Table } from "../../runtime/projection.ts";
import type { ChannelEvent } from "../../schema/channel.ts";
import { audiences } from "./membership.ts";
import type { Known } from "./state.ts";

const channels: Table = {
  name: "channels",
  key: ["id"],
  columns: {
    id: "plain",
    agency_id: "plain",
    kind: "plain",
    name: "plain",
    incident_id: "plain",
    message_count: "plain",
    created_at: "plain",
    updated_at: "plain",
    closed_at: "plain",
    departed_at: "plain",
    shared_with: "list",
    audience: "list",
    version: "plain",
    sequence: "plain",
    state: "plain",
  },
};

/** The blind index: words as only their channel's key tells them. */
const messageWords: Table = {
  name: "message_words",
  columns: { channel_id: "plain", number: "plain", sequence: "plain", words: "list" },
};

export const channelProjection: ActorProjection<Known> = {
  table: channels,
  row: (id, it, version, sequence): Row => ({
    id,
    agency_id: it.agencyId,
    kind: it.kind,
    name: it.name,
    incident_id: it.incidentId,
    message_count: it.messageCount,
    created_at: it.createdAt,
    updated_at: it.updatedAt,
    closed_at: it.closedAt,
    departed_at: it.archivedAt ?? null,
    shared_with: it.sharedWith,
    audience: audiences(it),
    version,
    sequence,
    state: JSON.stringify(it),
  }),
  traces: {
    table: messageWords,
    rows: ({ id, events }, _state, sequence) =>
      (events as readonly ChannelEvent[]).flatMap((event) => {
        if (event.type !== "message.sent" && event.type !== "message.edited") return [];
        return [{ channel_id: id, number: event.number, sequence, words: event.sealed.words }];
      }),
  },
};
