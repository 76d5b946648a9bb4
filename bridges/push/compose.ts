import { hash } from "node:crypto";
import type { Known as KnownAlert } from "../../actors/alert/state.ts";
import type { Known as KnownChannel } from "../../actors/channel/state.ts";
import type { Known as KnownIncident } from "../../actors/incident/state.ts";
import type { Delivery, KnownPage } from "../../actors/page/state.ts";
import type { Known as KnownResource } from "../../actors/resource/state.ts";
import type { Board } from "../../runtime/board.ts";
import type { PageAbout } from "../../schema/push.ts";
import type { Notification } from "./notification.ts";

/** What is told, as things stand when it is sent. Of a message never its text. */
export function compose(
  board: Board,
  pageId: string,
  page: KnownPage,
  { id, task }: Delivery,
  nowMs: number,
): Notification {
  const { about, urgency, expiresAt } = page;
  const clear = task === "clear";
  const { title, body, thing } = wordsOf(board, about);
  return {
    ...{ pageId, deviceId: id, urgency, about, clear },
    title,
    body: clear ? endOf(page) : body,
    topic: hash("sha256", thing, "base64url").slice(0, 32),
    ttlSeconds: Math.max(0, Math.ceil((Date.parse(expiresAt) - nowMs) / 1_000)),
  };
}

function endOf({ end, acknowledgedBy }: KnownPage): string {
  return end === "acknowledged"
    ? `Answered by ${acknowledgedBy}`
    : end === "expired"
      ? "Not answered in time"
      : "Not needed any more";
}

interface Words {
  readonly title: string;
  readonly body: string;
  /** What later news of replaces it. */
  readonly thing: string;
}

function wordsOf(board: Board, about: PageAbout): Words {
  switch (about.kind) {
    case "assignment": {
      const { incidentId, unitId } = about;
      const incident = board.get({ kind: "incident", id: incidentId })?.state as KnownIncident | undefined;
      const unit = board.get({ kind: "resource", id: unitId })?.state as KnownResource | undefined;
      const thing = `incident ${incidentId} ${unitId}`;
      if (incident === undefined) return { title: `${unit?.callSign ?? "Unit"}: to an incident`, body: "", thing };
      const { priority, type, title, location } = incident.fields;
      const place = location === null ? "" : ` · ${location.lat}, ${location.lon}`;
      return {
        title: `${unit?.callSign ?? "Unit"}: ${type}, priority ${priority}`,
        body: `${title} · ${incident.incidentNumber}${place}`,
        thing,
      };
    }
    case "concern": {
      const { incidentId, concern, reason } = about;
      const incident = board.get({ kind: "incident", id: incidentId })?.state as KnownIncident | undefined;
      const thing = `incident ${incidentId} ${concern}`;
      if (incident === undefined) return { title: reason, body: "", thing };
      const { priority, type, title } = incident.fields;
      return {
        title: `${type}, priority ${priority}: ${reason}`,
        body: `${title} · ${incident.incidentNumber}`,
        thing,
      };
    }
    case "message": {
      const channel = board.get({ kind: "channel", id: about.channelId })?.state as KnownChannel | undefined;
      const where = channel?.name ?? "a message";
      return { title: where, body: `${about.author} has written`, thing: `channel ${about.channelId}` };
    }
    case "alerts": {
      const alerts = about.alertIds.map((id) => board.get({ kind: "alert", id })?.state as KnownAlert | undefined);
      const titles = alerts.flatMap((alert) => (alert === undefined ? [] : [alert.content.title]));
      const more = titles.length > 3 ? ` and ${titles.length - 3} more` : "";
      return {
        title: titles.length === 1 ? "Alert" : `${titles.length} alerts`,
        body: titles.slice(0, 3).join("; ") + more,
        thing: `group ${about.groupId}`,
      };
    }
  }
}
