import type { Row } from "../../runtime/board.ts";
import type { EventTopic } from "../../schema/live/topics.ts";
import type { Told } from "./recent.ts";

/** What of each kind is shown as the state that is: what is over is not, and stays to be read through the API. */
export const snapshotFilters: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  incident: { status: ["new", "assigned", "en_route", "on_scene", "resolved"] },
  resource: { retired: "false" },
  alert: { status: ["received", "open", "acknowledged"] },
  page: { open: "true" },
};

/** Kinds that are somewhere, and so may be in an area. */
export const placedKinds = ["incident", "resource"] as const;

/** Whether an entry is one of a topic's. An area's are told by place, as they happen. */
export function concerns(topic: EventTopic, { kind, id, agency, guests, left }: Told): boolean {
  switch (topic.form) {
    case "agency":
      return kind === topic.kind && [agency, ...guests, ...left].includes(topic.agency);
    case "one":
      return kind === topic.kind && id === topic.id;
    case "area":
      return false;
  }
}

/** Whether one of these agencies may see it. */
export function mayBeSeenBy(
  agencies: readonly string[],
  { agency }: Pick<Row, "agency">,
  guests: readonly string[],
): boolean {
  return agencies.includes(agency) || guests.some((guest) => agencies.includes(guest));
}
