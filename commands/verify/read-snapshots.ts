import type { Journal, KeyValue } from "../../runtime/ports/index.ts";
import type { JournalCheck } from "./journal-check.ts";

/** Holds every snapshot against the journal that was read. */
export async function readSnapshots(
  journal: Pick<Journal, "lastSequence">,
  state: Pick<KeyValue, "entries">,
  check: JournalCheck,
): Promise<void> {
  const newer: { readonly key: string; readonly value: string }[] = [];
  for await (const { key, value } of state.entries()) if (!check.snapshot(key, value)) newer.push({ key, value });
  // A node that runs meanwhile writes snapshots of what came after: the journal holds that by now.
  const last = await journal.lastSequence();
  for (const { key, value } of newer) check.snapshot(key, value, last);
}
