import { concernIn } from "../../actors/incident/concerns.ts";
import type { Cause, Reaction, Told } from "../../runtime/actor.ts";
import { idFrom } from "../../runtime/id-from.ts";
import type { IncidentEvent } from "../../schema/incident.ts";
import { type DeliveryAbout, type DeliveryKind, deliveryKinds } from "../../schema/notification.ts";
import type { Target } from "../../schema/routing/document.ts";
import type { GroupEvent } from "../../schema/routing/group.ts";

/** What those outside are told is a delivery of its own for each of them; people are told by others. */
export const notifying: readonly Reaction[] = [
  {
    name: "notifying",
    of: "alertgroup",
    on: ["alertgroup.notified"] satisfies GroupEvent["type"][],
    react: (cause) =>
      (cause.events as readonly GroupEvent[]).flatMap((event, index) => {
        if (event.type !== "alertgroup.notified") return [];
        const { type: _type, targets, since: _since, ...rest } = event;
        return deliveries(cause, index, targets, { groupId: cause.id, at: cause.at, ...rest });
      }),
  },
  {
    name: "notifyingofincidents",
    of: "incident",
    on: ["incident.supervisor_notified", "sla.at_risk"] satisfies IncidentEvent["type"][],
    react: (cause) =>
      (cause.events as readonly IncidentEvent[]).flatMap((event, index) => {
        const raised = concernIn(event);
        if (raised === undefined) return [];
        const { concern, reason, targets } = raised;
        return deliveries(cause, index, targets, { incidentId: cause.id, at: cause.at, concern, reason });
      }),
  },
];

function deliveries(
  { id: causeId, agency: agencyId, version }: Cause,
  index: number,
  targets: readonly Target[],
  about: DeliveryAbout,
): readonly Told[] {
  return targets.filter(isOutside).map((target, place): Told => {
    const id = idFrom(`delivery ${causeId} ${version} ${index} ${place} ${target.kind} ${target.to}`);
    return { to: { kind: "delivery", id }, command: { type: "queue", agencyId, target, about } };
  });
}

const OUTSIDE: ReadonlySet<string> = new Set(deliveryKinds);

function isOutside(target: Target): target is Target & { readonly kind: DeliveryKind } {
  return OUTSIDE.has(target.kind);
}
