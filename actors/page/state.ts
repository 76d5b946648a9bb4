import type { DeviceKind, deliveryStates, PageOpening, pageEnds } from "../../schema/push.ts";

export type PageState = { readonly phase: "unknown" } | KnownPage;

/** One device that is called. */
export interface Delivery {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly state: (typeof deliveryStates)[number];
  /** What is still to be done: to call it, or to take back what it shows. */
  readonly task: "tell" | "clear" | null;
  readonly attempts: number;
  readonly nextAt: string | null;
  readonly sentAt: string | null;
  readonly deliveredAt: string | null;
  readonly seenAt: string | null;
  readonly detail: string | null;
}

export interface Called {
  readonly subject: string | null;
  readonly resourceId: string | null;
  readonly acknowledgedAt: string | null;
  readonly devices: readonly Delivery[];
}

export interface KnownPage extends Omit<PageOpening, "recipients"> {
  readonly phase: "known";
  readonly recipients: readonly Called[];
  /** Counts how often it was opened: what is told of an earlier time means nothing any more. */
  readonly round: number;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly end: (typeof pageEnds)[number] | null;
  readonly acknowledgedBy: string | null;
  /** Since when it is in the archive; it has none before. */
  readonly archivedAt?: string;
}

export function deliveriesOf(page: KnownPage): readonly Delivery[] {
  return page.recipients.flatMap(({ devices }) => devices);
}

export function deliveryIn(page: KnownPage, deviceId: string): Delivery | undefined {
  return deliveriesOf(page).find(({ id }) => id === deviceId);
}
