import { z } from "zod";
import type { ApiClient } from "./api-client.ts";
import { isDone, type Problem, problemOf } from "./problem.ts";

const VEHICLES = "/api/v1/resources/vehicles";
const PAGE_ITEMS = 500;

const vehicle = z.object({ id: z.string(), callSign: z.string(), incidentId: z.string().nullish() });
const vehiclePage = z.object({ items: z.array(vehicle), next: z.string().nullish() });

/** The server answers, but not as it must for a replay to begin. The message is for a person at a terminal. */
export class NotReady extends Error {
  override name = "NotReady";
}

export interface KnownUnit {
  readonly id: string;
  /** An incident holds it: it can be sent nowhere else. */
  readonly held: boolean;
}

/**
 * The units that the server knows, by call sign.
 * @throws NotReady, Unreachable
 */
export async function listUnits(api: ApiClient): Promise<Map<string, KnownUnit>> {
  const known = new Map<string, KnownUnit>();
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(PAGE_ITEMS), ...(cursor !== undefined && { cursor }) });
    const answer = await api.send({ method: "GET", path: `${VEHICLES}?${query}` });
    if (!isDone(answer)) {
      const { code, detail } = problemOf(answer);
      throw new NotReady(`the server would not list its units: ${answer.status} ${code} ${detail}`.trim());
    }
    const page = vehiclePage.safeParse(answer.body);
    if (!page.success) throw new NotReady(`${VEHICLES} did not answer with a list: is this a Tocsin server?`);
    for (const { id, callSign, incidentId } of page.data.items)
      known.set(callSign, { id, held: typeof incidentId === "string" });
    cursor = page.data.next ?? undefined;
  } while (cursor !== undefined);
  return known;
}

async function findUnit(api: ApiClient, callSign: string): Promise<string | undefined> {
  const answer = await api.send({ method: "GET", path: `${VEHICLES}?${new URLSearchParams({ callSign })}` });
  return vehiclePage.safeParse(answer.body).data?.items.find((item) => item.callSign === callSign)?.id;
}

export interface EnsuredUnits {
  readonly ids: ReadonlyMap<string, string>;
  readonly created: number;
  readonly reused: number;
  /** Known units that an incident holds, and that were not made free. */
  readonly held: number;
  readonly refused: readonly { readonly callSign: string; readonly status: number; readonly problem: Problem }[];
}

export interface EnsureOptions {
  readonly connections: number;
  /** Unique to this replay. */
  readonly runKey: string;
  readonly signal: AbortSignal;
  /** Makes known units free that an incident holds: what a replay that was stopped leaves behind. */
  readonly freeUnits: boolean;
}

/**
 * Sees to it that every unit exists: known ones are used as they are, the others created.
 * @param units call sign and capabilities
 * @throws NotReady, Unreachable
 */
export async function ensureUnits(
  api: ApiClient,
  units: ReadonlyMap<string, readonly string[]>,
  { connections, runKey, signal, freeUnits }: EnsureOptions,
): Promise<EnsuredUnits> {
  const known = await listUnits(api);
  const ids = new Map([...known].map(([callSign, { id }]) => [callSign, id]));
  const refused: EnsuredUnits["refused"][number][] = [];
  let created = 0;
  let held = 0;

  const create = async (callSign: string, capabilities: readonly string[], idempotencyKey: string) => {
    const answer = await api.send({ method: "POST", path: VEHICLES, body: { callSign, capabilities }, idempotencyKey });
    const made = vehicle.safeParse(answer.body);
    if (isDone(answer) && made.success) {
      created += 1;
      ids.set(callSign, made.data.id);
      return;
    }
    // Somebody else made it since the list was read.
    const existing = answer.status === 409 ? await findUnit(api, callSign) : undefined;
    if (existing === undefined) refused.push({ callSign, status: answer.status, problem: problemOf(answer) });
    else ids.set(callSign, existing);
  };

  const free = async (id: string, idempotencyKey: string) => {
    const body = { status: "available", reason: "made free for a replay" };
    const answer = await api.send({ method: "PATCH", path: `${VEHICLES}/${id}/status`, body, idempotencyKey });
    if (!isDone(answer)) held += 1;
  };

  const waiting = [...units].map(([callSign, capabilities], index) => ({ callSign, capabilities, index }));
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined && !signal.aborted; next = waiting.pop()) {
      const unit = known.get(next.callSign);
      const idempotencyKey = `${runKey}-unit-${next.index}`;
      if (!unit) await create(next.callSign, next.capabilities, idempotencyKey);
      else if (unit.held && freeUnits) await free(unit.id, idempotencyKey);
      else if (unit.held) held += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  const reused = [...units.keys()].filter((callSign) => known.has(callSign)).length;
  return { ids, created, reused, held, refused };
}
