import { incident } from "../../actors/incident/definition.ts";
import type { IncidentState } from "../../actors/incident/state.ts";
import { decide, evolve, isJoint } from "../../runtime/actor.ts";
import { chainHash } from "../../runtime/chain.ts";
import type { Append, Ports } from "../../runtime/ports/index.ts";
import { CHAIN_START, ENVELOPE_VERSION, type Envelope } from "../../schema/envelope.ts";
import { subjects } from "../../schema/subjects.ts";
import type { TelemetryRecord } from "../../schema/telemetry.ts";

const AGENCY = "default";
const by = { subject: "bench", agencies: [AGENCY], roles: ["admin"] } as const;
const RESOURCES = 2_000;
/** Appended at once, and batches on their way. */
const BATCH = 500;
const IN_FLIGHT = 4;
/** Between the fixes of one unit. */
const FIX_EVERY_MS = 5_000;

/** What an incident goes through: eight envelopes, as its own rules decide them. */
function lifeOf(id: string, index: number, atMs: number): Envelope[] {
  const unitId = unitOf(index);
  const commands = [
    {
      type: "create",
      agencyId: AGENCY,
      incidentNumber: `DEFAULT-2026-${String(index + 1).padStart(6, "0")}`,
      fields: {
        type: "structure_fire",
        category: "fire",
        priority: 1 + (index % 5),
        title: `Smoke from the roof at ${index} Example Street`,
        description: "Caller sees smoke from the third floor, people at the windows",
        location: { lat: 37.7 + (index % 1_000) / 10_000, lon: -122.5 + (index % 1_200) / 10_000 },
        address: { street: `${index} Example Street`, city: "Exampleton" },
        parentId: null,
        metadata: { source: "bench" },
      },
      reportedById: "bench",
      sourceAlertId: null,
    },
    { type: "update", changes: { description: "Second caller confirms" }, note: "second call" },
    { type: "assign", units: [{ unitId, unitType: "vehicles" }] },
    { type: "unitStatus", unitId, status: "en_route" },
    { type: "unitStatus", unitId, status: "on_scene" },
    { type: "escalate", reason: "second alarm", priority: undefined },
    { type: "resolve" },
    { type: "close", disposition: "fire out" },
  ];
  let state: IncidentState = incident.initial;
  let prev = CHAIN_START;
  const life: Envelope[] = [];
  for (const [step, command] of commands.entries()) {
    const at = new Date(atMs + step * 60_000).toISOString();
    const decided = decide(incident, state, command, { id, at, by });
    const events = isJoint(decided) ? decided.events : decided;
    // Priority 1 cannot be raised: such a life is a step shorter.
    if (!Array.isArray(events)) continue;
    const envelope: Envelope = {
      ...{ v: ENVELOPE_VERSION, kind: "incident", id, agency: AGENCY, version: life.length + 1 },
      ...{ commandId: `${id}-${step}`, at, by: by.subject, prev, events },
    };
    state = evolve(incident, state, events, { ...envelope, previous: 0 }) as IncidentState;
    prev = chainHash(JSON.stringify(envelope));
    life.push(envelope);
  }
  return life;
}

export const unitOf = (index: number) => `01a20c40-0000-7000-8000-${String(index % RESOURCES).padStart(12, "0")}`;

/** Open at the same time: an incident's envelopes stand far apart in the journal, as they do in a real one. */
const OPEN = 5_000;

/** Up to a number of envelopes, of many incidents that are open at once. */
export function* envelopesOf(
  count: number,
  ports: Pick<Ports, "ids">,
  startMs: number,
  openMax = OPEN,
  numberFrom = 0,
): Generator<Envelope> {
  let begun = numberFrom;
  const next = () => lifeOf(ports.ids.uuidV7(), begun, startMs + begun++ * 1_000)[Symbol.iterator]();
  const open = Array.from({ length: Math.min(openMax, Math.ceil(count / 8)) }, next);
  for (let made = 0; made < count; made++) {
    const at = made % open.length;
    let { value, done } = open[at]!.next();
    if (done === true) {
      open[at] = next();
      ({ value, done } = open[at]!.next());
    }
    yield value as Envelope;
  }
}

/** One fix a record, of many units in turn; the newest is of now. */
export function* recordsOf(count: number, nowMs: number): Generator<TelemetryRecord> {
  for (let index = 0; index < count; index++)
    yield recordOf(index, nowMs - ((count - index) / RESOURCES) * FIX_EVERY_MS);
}

export function recordOf(index: number, atMs: number): TelemetryRecord {
  const fix = {
    lat: 37.7 + ((index * 7) % 10_000) / 100_000,
    lon: -122.5 + ((index * 13) % 12_000) / 100_000,
    at: new Date(atMs).toISOString(),
    speedMps: index % 20,
    headingDegrees: index % 360,
    accuracyMetres: 5,
  };
  return { of: { agency: AGENCY, kind: "resource", id: unitOf(index) }, payload: JSON.stringify({ fixes: [fix] }) };
}

/** Writes envelopes into the journal as quickly as it takes them. */
export async function fillJournal(ports: Ports, envelopes: Iterable<Envelope>, progress: (done: number) => void) {
  const fences = new Map<string, number>();
  await inBatches(envelopes, 1, progress, async (batch) => {
    const appends: Append[] = batch.map((envelope) => ({
      subject: subjects.events(envelope.agency, envelope),
      payload: JSON.stringify(envelope),
      expectedSequence: fences.get(envelope.id) ?? 0,
    }));
    const result = await ports.journal.append(appends);
    if (!result.ok) throw new Error("a fence failed while the journal was filled");
    for (const [index, { id }] of batch.entries()) fences.set(id, result.sequences[index]!);
  });
}

export async function fillTelemetry(
  ports: Ports,
  records: Iterable<TelemetryRecord>,
  progress: (done: number) => void,
) {
  await inBatches(records, IN_FLIGHT, progress, async (batch) => void (await ports.telemetry.append(batch)));
}

async function inBatches<T>(
  items: Iterable<T>,
  inFlight: number,
  progress: (done: number) => void,
  write: (batch: readonly T[]) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let done = 0;
  const worker = async () => {
    for (;;) {
      const batch: T[] = [];
      while (batch.length < BATCH) {
        const { value, done: end } = iterator.next();
        if (end === true) break;
        batch.push(value);
      }
      if (batch.length === 0) return;
      await write(batch);
      const before = done;
      done += batch.length;
      if (Math.floor(done / 250_000) > Math.floor(before / 250_000)) progress(done);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}
