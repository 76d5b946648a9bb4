import { channelLimits } from "../../schema/channel.ts";
import type { Receipt } from "./state.ts";

/** A reader has come further; nobody goes back. Those heard of last are at the end, and the first go when there are too many. */
export function advanced(receipts: readonly Receipt[], to: Receipt): readonly Receipt[] {
  const known = receipts.find(({ subject }) => subject === to.subject);
  const others = receipts.filter((one) => one !== known).slice(1 - channelLimits.readers);
  const read = Math.max(known?.read ?? 0, to.read);
  return [...others, { ...to, read, delivered: Math.max(known?.delivered ?? 0, to.delivered, read) }];
}

/** Whoever had read everything has read what he writes himself. */
export function caughtUp(
  receipts: readonly Receipt[],
  subject: string,
  number: number,
  at: string,
): readonly Receipt[] {
  const read = receipts.find((one) => one.subject === subject)?.read ?? 0;
  return read === number - 1 ? advanced(receipts, { subject, delivered: number, read: number, at }) : receipts;
}
