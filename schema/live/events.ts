import type { AlertEvent } from "../alert.ts";
import type { ChannelEvent } from "../channel.ts";
import type { IncidentEvent } from "../incident.ts";
import type { PageEvent } from "../push.ts";
import type { ResourceEvent } from "../resource.ts";
import type { GroupEvent } from "../routing/group.ts";

/** What has happened, as it goes out: every event of the journal, under its own name. */
export type LiveEvent = IncidentEvent | ResourceEvent | LiveChannelEvent | PageEvent | AlertEvent | GroupEvent;

type Written = Extract<ChannelEvent, { readonly sealed: unknown }>;

interface Opened {
  /** null where it cannot be opened. */
  readonly body: string | null;
  readonly unreadable?: true;
}

/** What was sealed goes out opened, to members alone. */
type LiveChannelEvent =
  | Exclude<ChannelEvent, Written>
  | ({ readonly type: "message.new" } & Omit<Extract<Written, { type: "message.sent" }>, "type" | "sealed"> & Opened)
  | ({ readonly type: "message.edited" } & Omit<Extract<Written, { type: "message.edited" }>, "type" | "sealed"> &
      Opened);

/** Their names in words; the compiler sees to it that none is missing. */
export const liveEvents: Readonly<Record<LiveEvent["type"], string>> = {
  "incident.created": "an incident was reported",
  "incident.updated": "fields changed; `was` has what they were",
  "incident.noted": "a remark",
  "incident.assigned": "a unit was sent",
  "incident.unit_status_changed": "a unit on it moved on",
  "incident.status_changed": "its own status followed its units",
  "incident.escalated": "its priority was raised",
  "incident.recommended": "what the system based its choice of units on",
  "incident.alarm_raised": "the alarm level was raised",
  "incident.supervisor_notified": "nobody is on it for too long, or its alarm was raised as high as that",
  "sla.at_risk": "a time target is in danger",
  "incident.shared": "another agency may see it from now on",
  "incident.unshared": "another agency may not see it any more: to that one, the last of it",
  "incident.merged": "another incident is a duplicate of this one",
  "incident.merged_into": "it is a duplicate of another one",
  "incident.linked": "it has to do with another one",
  "incident.unlinked": "not any more",
  "incident.alert_attached": "an alert belongs to it",
  "incident.alert_detached": "not any more",
  "incident.alert_noted": "an alert of it has changed, or is over",
  "incident.resolved": "the work is done, the units are free",
  "incident.cancelled": "it came to nothing",
  "incident.reopened": "it starts again",
  "incident.archived": "it has been over for long; lists no longer show it",
  "incident.restored": "lists show it again",
  "incident.closed": "the record is final",
  "channel.created": "a channel was made",
  "channel.followed": "an incident's channel has followed its incident",
  "channel.member_joined": "somebody is a member now",
  "channel.member_left": "not any more: to that one, the last of it",
  "channel.unit_joined": "a unit's crew are members for as long as it is assigned",
  "channel.unit_left": "not any more",
  "channel.shared": "another agency's people may be members",
  "channel.unshared": "not any more",
  "channel.closed": "nothing is written in it any more",
  "channel.reopened": "it goes on",
  "channel.archived": "it has been closed for long, and is in the archive alone",
  "message.new": "somebody has written something",
  "message.edited": "its author has changed it",
  "message.deleted": "it was taken back",
  "message.acknowledged": "somebody has acknowledged an urgent message",
  "message.read": "somebody has read up to a message",
  "message.delivered": "somebody has got up to a message",
  "alert.received": "an alert was reported",
  "alert.classified": "what it is, and how grave, was worked out",
  "alert.opened": "somebody has to look at it",
  "alert.repeated": "it was reported again",
  "alert.acknowledged": "somebody looks at it",
  "alert.resolved": "it is over",
  "alert.dismissed": "it was nothing",
  "alert.attached": "it belongs to an incident",
  "alert.detached": "not any more",
  "alertgroup.routed": "alerts are told together, by this route",
  "alertgroup.alert_put": "an alert of the group, as it now is",
  "alertgroup.overflowed": "it is full",
  "alertgroup.flush_set": "when it is told next",
  "alertgroup.acknowledged": "somebody looks at them",
  "alertgroup.withdrawn": "they belong to another group now, or are told to nobody any more",
  "alertgroup.due": "it is time for it to go on",
  "alertgroup.flushed": "what there was to tell has been told, but for what is muted",
  "alertgroup.notified": "a receiver was told",
  "alertgroup.log_cleared": "a receiver need not be told that it is over",
  "alertgroup.chain_moved": "the escalation goes on",
  "alertgroup.chain_ended": "the escalation is over",
  "page.opened": "somebody is called",
  "page.sent": "a device's service has taken it",
  "page.postponed": "a device's service did not: it is tried again",
  "page.failed": "a device cannot be reached",
  "page.retried": "it is tried once more",
  "page.cleared": "what a device showed was taken back",
  "page.delivered": "a device has got it",
  "page.seen": "a device has shown it",
  "page.acknowledged": "somebody has answered",
  "page.withdrawn": "nobody need answer any more",
  "page.expired": "nobody has answered in time",
  "page.archived": "it has been over for long; it is in the archive",
  "resource.created": "somebody or something was registered",
  "resource.updated": "fields changed; `was` has what they were",
  "resource.retired": "it is gone for good",
  "resource.status_changed": "its status changed",
  "resource.status_overdue": "a status has lasted too long",
  "resource.shift_started": "it is on duty",
  "resource.shift_ended": "it is off duty",
  "resource.shift_overdue": "its shift should be over, but it is at work",
  "resource.attached": "it goes with a carrier",
  "resource.detached": "not any more",
  "resource.member_attached": "somebody or something is aboard",
  "resource.member_detached": "not any more",
  "resource.assigned": "an incident holds it",
  "resource.released": "it is free again",
  "resource.location_updated": "it moved: a measurement, outside the journal; slow readers get the latest alone",
  "resource.location_refused": "positions that moved nobody; in old journals only",
};
