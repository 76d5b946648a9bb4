import { chainHash } from "../../../runtime/chain.ts";
import type { JournalEntry } from "../../../runtime/ports/index.ts";
import { CHAIN_START, ENVELOPE_VERSION } from "../../../schema/envelope.ts";

interface Part {
  readonly kind: "incident" | "resource";
  readonly id: string;
  readonly events: readonly object[];
  /** What makes the envelope another one than it should be. */
  readonly twist?: object;
}

/** A journal as the runtime would have written it, part by part; and as it would not have. */
export class Story {
  readonly entries: JournalEntry[] = [];
  readonly #versions = new Map<string, number>();
  readonly #hashes = new Map<string, string>();
  #commits = 0;

  /** One commit. */
  commit(...parts: readonly Part[]): this {
    this.#commits += 1;
    for (const { kind, id, events, twist = {} } of parts) {
      const key = `${kind}.${id}`;
      const version = (this.#versions.get(key) ?? 0) + 1;
      const envelope = {
        v: ENVELOPE_VERSION,
        kind,
        id,
        agency: "a",
        version,
        commandId: `command-${this.#commits}`,
        at: "2026-01-01T00:00:00.000Z",
        by: "somebody",
        prev: this.#hashes.get(key) ?? CHAIN_START,
        events,
        ...twist,
      };
      this.raw(`evt.a.${key}`, JSON.stringify(envelope));
      this.#versions.set(key, envelope.version);
    }
    return this;
  }

  raw(subject: string, payload: string): this {
    const key = subject.split(".").slice(2).join(".");
    this.entries.push({ sequence: this.entries.length + 1, subject, payload });
    this.#hashes.set(key, chainHash(payload));
    return this;
  }

  incident(id: string, number = `A-2026-${id}`): this {
    const fields = { priority: 3, title: "t", type: "t", category: "c" };
    const created = { type: "incident.created", incidentNumber: number, agencyId: "a", fields };
    return this.commit({ kind: "incident", id, events: [created] });
  }

  unit(id: string): this {
    const created = { type: "resource.created", agencyId: "a", callSign: id, location: null, status: "available" };
    return this.commit({ kind: "resource", id, events: [created] });
  }

  /** An assignment's two halves, which belong into one commit. */
  assign(incidentId: string, unitId: string): this {
    return this.commit(assigned(incidentId, unitId), held(unitId, incidentId));
  }
}

export function assigned(id: string, unitId: string): Part {
  const events = [
    { type: "incident.assigned", unitId, unitType: "vehicles" },
    { type: "incident.status_changed", from: "new", to: "assigned" },
  ];
  return { kind: "incident", id, events };
}

export function held(id: string, incidentId: string): Part {
  return { kind: "resource", id, events: [{ type: "resource.assigned", incidentId }] };
}

export function cleared(id: string, unitId: string): Part {
  const events = [
    { type: "incident.unit_status_changed", unitId, from: "assigned", to: "cleared" },
    { type: "incident.status_changed", from: "assigned", to: "new" },
  ];
  return { kind: "incident", id, events };
}

export function released(id: string, incidentId: string): Part {
  return { kind: "resource", id, events: [{ type: "resource.released", incidentId }] };
}

export function aboard(id: string, carrierId: string): Part {
  return { kind: "resource", id, events: [{ type: "resource.attached", carrierId, carrierType: "vehicles" }] };
}

export function carrying(id: string, memberId: string): Part {
  return { kind: "resource", id, events: [{ type: "resource.member_attached", memberId, memberType: "personnel" }] };
}
