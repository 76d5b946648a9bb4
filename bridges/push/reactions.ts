import { audiences } from "../../actors/channel/membership.ts";
import type { Known as KnownChannel } from "../../actors/channel/state.ts";
import { type KnownDevices, registeredBefore } from "../../actors/devices/definition.ts";
import { concernIn, concernsOver } from "../../actors/incident/concerns.ts";
import type { IncidentState } from "../../actors/incident/state.ts";
import type { KnownPage } from "../../actors/page/state.ts";
import type { Known as KnownResource } from "../../actors/resource/state.ts";
import type { Cause, Reaction, Told } from "../../runtime/actor.ts";
import type { Board } from "../../runtime/board.ts";
import { idAt, idBeside, idFrom } from "../../runtime/id-from.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { PresenceView } from "../../runtime/presence/view.ts";
import type { ChannelEvent } from "../../schema/channel.ts";
import type { Concern, IncidentEvent } from "../../schema/incident.ts";
import { isSystemSubject } from "../../schema/principal.ts";
import type { DevicesCommand, DevicesEvent, PageCommand, PageEvent, PageOpening } from "../../schema/push.ts";
import type { Target } from "../../schema/routing/document.ts";
import type { GroupEvent, Notification } from "../../schema/routing/group.ts";
import { crewOf, recipientsOf } from "./recipients.ts";

/** For so long an answer to a page means something; then somebody else has to be sent. */
const ASSIGNMENT_MS = 10 * 60_000;
const ALERTS_MS = 3_600_000;
const CONCERN_MS = 3_600_000;
const URGENT_MESSAGE_MS = 3_600_000;
const MESSAGE_MS = 24 * 3_600_000;

/** The board does not show yet what this follows from: it is asked again. */
class NotShownYet extends Error {
  override name = "NotShownYet";
}

const tell = (id: string, command: PageCommand): Told => ({ to: { kind: "page", id }, command: { ...command } });

/** What happens leads to calls: to the crew of a unit that is sent, to members of a channel, to those whom routing names. */
export class Calls {
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #presence: PresenceView;

  constructor(board: Board, clock: Clock, presence: PresenceView) {
    this.#board = board;
    this.#clock = clock;
    this.#presence = presence;
  }

  /** A unit that is sent is called; that it moves is an answer, and so is that it need not go any more. */
  incident(cause: Cause): readonly Told[] {
    const { id, agency, version, by, events } = cause;
    return (events as readonly IncidentEvent[]).flatMap((event): Told[] => {
      if (event.type === "incident.assigned") {
        const { unitId } = event;
        return [
          this.#opened(assignmentPage(id, unitId), cause, ASSIGNMENT_MS, {
            urgency: "page",
            about: { kind: "assignment", incidentId: id, unitId },
            recipients: crewOf(this.#board, agency, unitId, { nowMs: this.#clock.now() }),
            each: false,
          }),
        ];
      }
      if (event.type !== "incident.unit_status_changed") return [];
      const pageId = assignmentPage(id, event.unitId);
      if (event.to === "cleared") return [tell(pageId, { type: "withdraw", cause: version })];
      return event.to === "assigned" ? [] : [tell(pageId, { type: "acknowledge", cause: version, by })];
    });
  }

  /** Whoever answers for an incident that goes badly is called, and is left alone once it does not. */
  concerns(cause: Cause): readonly Told[] {
    const { id, agency, version, events } = cause;
    const opened = (events as readonly IncidentEvent[]).flatMap((event): Told[] => {
      const raised = concernIn(event);
      const names = raised?.targets.flatMap(nameOf) ?? [];
      if (raised === undefined || names.length === 0) return [];
      const { concern, reason } = raised;
      return [
        this.#opened(concernPage(id, concern), cause, CONCERN_MS, {
          urgency: "page",
          about: { kind: "concern", incidentId: id, concern, reason },
          recipients: recipientsOf(this.#board, agency, names, { nowMs: this.#clock.now() }),
          each: false,
        }),
      ];
    });
    const incident = this.#board.get({ kind: "incident", id })?.state as IncidentState | undefined;
    if (incident?.phase !== "known" || !events.some(({ type }) => SETTLES.has(type))) return opened;
    const over = concernsOver(incident).map((concern) =>
      tell(concernPage(id, concern), { type: "withdraw", cause: version }),
    );
    return [...opened, ...over];
  }

  channel(cause: Cause): readonly Told[] {
    const { id, agency, version, by, events } = cause;
    return (events as readonly ChannelEvent[]).flatMap((event): Told[] => {
      switch (event.type) {
        case "message.sent": {
          const urgent = event.priority === "urgent";
          const recipients = this.#membersOf(id, agency, by, urgent);
          if (recipients.length === 0) return [];
          const { messageId } = event;
          return [
            this.#opened(messagePage(messageId), cause, urgent ? URGENT_MESSAGE_MS : MESSAGE_MS, {
              urgency: urgent ? "page" : "normal",
              about: { kind: "message", channelId: id, messageId, author: by },
              recipients,
              each: true,
            }),
          ];
        }
        case "message.acknowledged":
          return [tell(messagePage(event.messageId), { type: "acknowledge", by })];
        case "message.deleted":
          return [tell(messagePage(event.messageId), { type: "withdraw", cause: version })];
        case "message.read":
          return this.#readUpTo(id, event.upTo, by);
        default:
          return [];
      }
    });
  }

  alertGroup(cause: Cause): readonly Told[] {
    const { id, agency, version, by, events } = cause;
    return (events as readonly GroupEvent[]).flatMap((event): Told[] => {
      if (event.type !== "alertgroup.notified") return [];
      const pageId = alertsPage(id, event);
      if (event.reason === "acknowledged") return [tell(pageId, { type: "acknowledge", cause: version, by })];
      if (event.reason === "all_resolved") return [tell(pageId, { type: "withdraw", cause: version })];
      const names = event.targets.flatMap(nameOf);
      if (names.length === 0 || event.reason === "resolved") return [];
      return [
        this.#opened(pageId, cause, ALERTS_MS, {
          urgency: "page",
          about: { kind: "alerts", groupId: id, alertIds: event.firing.slice(0, 20) },
          recipients: recipientsOf(this.#board, agency, names, { nowMs: this.#clock.now() }),
          each: false,
        }),
      ];
    });
  }

  /** Who answers a page of alerts has acknowledged them. */
  page({ id, version, events }: Cause): readonly Told[] {
    const answer = (events as readonly PageEvent[]).find((event) => event.type === "page.acknowledged");
    if (answer === undefined || isSystemSubject(answer.by)) return [];
    const row = this.#board.get({ kind: "page", id });
    if (row !== undefined && row.version < version) throw new NotShownYet(id);
    const about = (row?.state as KnownPage | undefined)?.about;
    // One that is not shown any more has been over for longer than anybody waits for an answer.
    if (about?.kind !== "alerts") return [];
    const command = { type: "acknowledge", note: `${answer.by} has answered the page` };
    return about.alertIds.map((alertId) => ({ to: { kind: "alert", id: alertId }, command }));
  }

  /** A phone that was handed on rings for whoever has it now. */
  devices({ id, at, events }: Cause): readonly Told[] {
    return (events as readonly DevicesEvent[]).flatMap((event): Told[] => {
      const mark = event.type === "devices.registered" ? event.device.mark : undefined;
      const owner = this.#board.get({ kind: "devices", id })?.state as KnownDevices | undefined;
      if (mark === undefined || owner === undefined) return [];
      const command = { type: "passOn", mark, at } satisfies DevicesCommand;
      return [...this.#board.all("devices")]
        .filter(({ state }) => {
          const other = state as KnownDevices;
          return other.owner.subject !== owner.owner.subject && registeredBefore(other, mark, at).length > 0;
        })
        .map((row) => ({ to: { kind: "devices", id: row.id }, command }));
    });
  }

  #membersOf(channelId: string, agency: string, author: string, urgent: boolean) {
    const row = this.#board.get({ kind: "channel", id: channelId });
    if (row === undefined) throw new NotShownYet(channelId);
    const { kind, sharedWith } = row.state as KnownChannel;
    const names = audiences(row.state as KnownChannel).flatMap((name) => this.#callNames(name));
    const isLooking = (subject: string) => this.#presence.isLooking(subject, `channel/${channelId}`);
    const calling = {
      nowMs: this.#clock.now(),
      canWait: !urgent,
      spared: (subject: string, { messages }: { readonly messages: string }) =>
        subject === author || isLooking(subject) || messages === "none" || (messages === "urgent" && !urgent),
    };
    const agencies = kind === "agency" ? [agency] : [agency, ...sharedWith];
    const found = agencies.flatMap((one) => recipientsOf(this.#board, one, names, calling));
    return [...new Map(found.map((one) => [JSON.stringify([one.subject, one.resourceId]), one])).values()];
  }

  #callNames(audience: string): readonly string[] {
    if (audience.startsWith("subject ")) return [audience];
    if (audience.startsWith("agency "))
      return ["dispatcher", "responder", "supervisor", "admin"].map((role) => `role ${role}`);
    const unitId = audience.slice("unit ".length);
    const unit = this.#board.get({ kind: "resource", id: unitId })?.state as KnownResource | undefined;
    return [unitId, ...(unit?.aboard.map(({ id }) => id) ?? [])].map((id) => `resource ${id}`);
  }

  /** What somebody has read need not ring any more. */
  #readUpTo(channelId: string, upTo: number, by: string): Told[] {
    const { recent } = this.#board.get({ kind: "channel", id: channelId })!.state as KnownChannel;
    return recent
      .filter(({ number, author }) => number <= upTo && author !== by)
      .map(({ id }) => messagePage(id))
      .filter((pageId) => this.#isCalled(pageId, by))
      .map((pageId) => tell(pageId, { type: "acknowledge", by }));
  }

  #isCalled(pageId: string, who: string): boolean {
    const page = this.#board.get({ kind: "page", id: pageId })?.state as KnownPage | undefined;
    return page?.recipients.some(({ subject, acknowledgedAt }) => subject === who && acknowledgedAt === null) ?? false;
  }

  /** @param lastsMs for so long it is worth an answer */
  #opened(
    pageId: string,
    { version, agency }: Cause,
    lastsMs: number,
    page: Pick<PageOpening, "urgency" | "about" | "recipients" | "each">,
  ): Told {
    const expiresAt = new Date(this.#clock.now() + lastsMs).toISOString();
    return tell(pageId, { type: "open", cause: version, agencyId: agency, ...page, expiresAt });
  }
}

/** One page for a unit on an incident, however often it is sent there. */
export const assignmentPage = (incidentId: string, unitId: string) =>
  idBeside(incidentId, `page of ${incidentId} for ${unitId}`);
/** One for each concern: what it was told of again is the same page again. */
export const concernPage = (incidentId: string, concern: Concern) =>
  idBeside(incidentId, `page of ${incidentId} about ${concern}`);
const alertsPage = (groupId: string, { receiver, page, since }: Pick<Notification, "receiver" | "page" | "since">) => {
  const text = `page of group ${groupId} ${receiver} ${page}`;
  return since === undefined ? idFrom(text) : idAt(since, text);
};
export const messagePage = (messageId: string) => idBeside(messageId, `page of message ${messageId}`);

/** By these a concern may be over. */
const SETTLES: ReadonlySet<string> = new Set([
  "incident.assigned",
  "incident.unit_status_changed",
  "incident.resolved",
  "incident.cancelled",
  "incident.merged_into",
] satisfies IncidentEvent["type"][]);
const RAISES = ["incident.supervisor_notified", "sla.at_risk"] satisfies IncidentEvent["type"][];

/** Webhooks, topics and channels are told by others. */
function nameOf({ kind, to }: Target): readonly string[] {
  if (kind === "role") return [`role ${to}`];
  return kind === "user" ? [`subject ${to}`] : [];
}

export function pushReactions(board: Board, clock: Clock, presence: PresenceView): readonly Reaction[] {
  const calls = new Calls(board, clock, presence);
  return [
    {
      name: "call",
      of: "incident",
      on: ["incident.assigned", "incident.unit_status_changed"] satisfies IncidentEvent["type"][],
      react: (cause) => calls.incident(cause),
    },
    {
      name: "concern",
      of: "incident",
      on: [...RAISES, ...SETTLES],
      react: (cause) => calls.concerns(cause),
    },
    {
      name: "message",
      of: "channel",
      on: ["message.sent", "message.acknowledged", "message.deleted", "message.read"] satisfies ChannelEvent["type"][],
      react: (cause) => calls.channel(cause),
    },
    {
      name: "alerts",
      of: "alertgroup",
      on: ["alertgroup.notified"] satisfies GroupEvent["type"][],
      react: (cause) => calls.alertGroup(cause),
    },
    {
      name: "handed",
      of: "devices",
      on: ["devices.registered"] satisfies DevicesEvent["type"][],
      react: (cause) => calls.devices(cause),
    },
    {
      name: "answer",
      of: "page",
      on: ["page.acknowledged"] satisfies PageEvent["type"][],
      react: (cause) => calls.page(cause),
    },
  ];
}
