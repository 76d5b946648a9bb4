import type { Board } from "../../runtime/board.ts";
import type { DeliveryAbout } from "../../schema/notification.ts";

/** Of a group of hundreds the first tell what it is about; the rest are counted. */
const SHOWN_MAX = 50;

/** A notification as a CloudEvent (https://cloudevents.io), version 1.0, with the alerts as they are now. */
export function eventOf(board: Board, id: string, about: DeliveryAbout): string {
  const { groupId, receiver, page, reason, firing, resolved, at } = about;
  return JSON.stringify({
    specversion: "1.0",
    id,
    source: `/api/v1/routing/groups/${groupId}`,
    type: "alertgroup.notified",
    time: at,
    datacontenttype: "application/json",
    data: {
      ...{ groupId, receiver, page, reason },
      firing: shown(board, firing),
      resolved: shown(board, resolved),
      firingCount: firing.length,
      resolvedCount: resolved.length,
    },
  });
}

function shown(board: Board, ids: readonly string[]): readonly object[] {
  return ids.slice(0, SHOWN_MAX).map((id) => {
    const row = board.get({ kind: "alert", id });
    return row === undefined ? { id } : board.present("alert", row);
  });
}

const WORDS: Readonly<Record<DeliveryAbout["reason"], string>> = {
  firing: "Firing",
  repeat: "Still firing",
  resolved: "Some are over",
  all_resolved: "All over",
  escalation: "Nobody has answered",
  acknowledged: "Somebody has it in hand",
};

/** The same for people, in few lines. */
export function textOf(board: Board, { reason, firing, resolved }: DeliveryAbout): string {
  const titles = [...firing, ...resolved].slice(0, 5).map((id) => {
    const row = board.get({ kind: "alert", id });
    const { title, severity } = (row === undefined ? {} : board.present("alert", row)) as Record<string, string>;
    return title === undefined ? id : `${title} (${severity})`;
  });
  const more = firing.length + resolved.length - titles.length;
  return [`${WORDS[reason]}:`, ...titles, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}
