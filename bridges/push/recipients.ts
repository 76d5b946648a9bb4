import type { KnownDevices } from "../../actors/devices/definition.ts";
import type { Known as KnownResource } from "../../actors/resource/state.ts";
import type { Board } from "../../runtime/board.ts";
import { type Preferences, pushLimits, type Recipient } from "../../schema/push.ts";
import { quietUntil } from "./quiet-hours.ts";

export interface Calling {
  readonly nowMs: number;
  /** Whether somebody need not be told at all. Nobody is left out of a page. */
  readonly spared?: (subject: string, preferences: Preferences) => boolean;
  /** Quiet hours hold it back. */
  readonly canWait?: boolean;
}

/** Those who go by one of these names (`subject …`, `role …`, `resource …`), each once, with the devices they have. */
export function recipientsOf(
  board: Board,
  agency: string,
  names: readonly string[],
  { nowMs, spared = () => false, canWait = false }: Calling,
): Recipient[] {
  const found = new Map<string, Recipient>();
  for (const calls of new Set(names)) {
    for (const { id, state } of board.rowsOf("devices", [agency], { calls })) {
      const { owner, devices, preferences } = state as KnownDevices;
      if (found.size >= pushLimits.recipients) return [...found.values()];
      if (found.has(id) || spared(owner.subject, preferences)) continue;
      const heldUntil = canWait ? (quietUntil(preferences, nowMs) ?? null) : null;
      found.set(id, {
        subject: owner.subject,
        resourceId: owner.resourceId,
        devices: devices.map((device) => ({ id: device.id, kind: device.kind, heldUntil })),
      });
    }
  }
  return [...found.values()];
}

/** A unit and who is aboard of it; those without a device are named as well, so that the ledger says that nobody reached them. */
export function crewOf(board: Board, agency: string, unitId: string, calling: Calling): Recipient[] {
  const unit = board.get({ kind: "resource", id: unitId })?.state as KnownResource | undefined;
  const people = unit?.aboard.filter(({ type }) => type === "personnel").map(({ id }) => id) ?? [];
  const wanted = unit?.resourceType === "personnel" ? [unitId] : people;
  const reached = recipientsOf(
    board,
    agency,
    [unitId, ...people].map((id) => `resource ${id}`),
    calling,
  );
  const missing = wanted.filter((id) => !reached.some(({ resourceId }) => resourceId === id));
  return [...reached, ...missing.map((resourceId) => ({ subject: null, resourceId, devices: [] }))];
}
