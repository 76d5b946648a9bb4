import type { Cause, Reaction, Told } from "../../runtime/actor.ts";
import { idFrom } from "../../runtime/id-from.ts";
import { type DeliveryKind, deliveryKinds } from "../../schema/notification.ts";
import type { Target } from "../../schema/routing/document.ts";
import type { GroupEvent } from "../../schema/routing/group.ts";

/** What a group tells those outside is a delivery of its own for each of them; people are told by others. */
export const notifying: Reaction = {
  name: "notifying",
  of: "alertgroup",
  on: ["alertgroup.notified"] satisfies GroupEvent["type"][],
  react: ({ id: groupId, agency, version, at, events }: Cause): readonly Told[] =>
    (events as readonly GroupEvent[]).flatMap((event, index) => {
      if (event.type !== "alertgroup.notified") return [];
      const { type: _type, targets, ...rest } = event;
      const about = { groupId, at, ...rest };
      return targets.filter(isOutside).map((target, place): Told => {
        const id = idFrom(`delivery ${groupId} ${version} ${index} ${place} ${target.kind} ${target.to}`);
        return { to: { kind: "delivery", id }, command: { type: "queue", agencyId: agency, target, about } };
      });
    }),
};

const OUTSIDE: ReadonlySet<string> = new Set(deliveryKinds);

function isOutside(target: Target): target is Target & { readonly kind: DeliveryKind } {
  return OUTSIDE.has(target.kind);
}
