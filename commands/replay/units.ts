import { z } from "zod";
import type { ApiClient } from "./api-client.ts";
import { isDone, type Problem, problemOf } from "./problem.ts";

const VEHICLES = "/api/v1/resources/vehicles";
const PAGE_ITEMS = 500;

const vehicle = z.object({ id: z.string(), callSign: z.string() });
const vehiclePage = z.object({ items: z.array(vehicle), next: z.string().nullish() });

/** The server answers, but not as it must for a replay to begin. The message is for a person at a terminal. */
export class NotReady extends Error {
  override name = "NotReady";
}

/**
 * The units that the server knows, by call sign.
 * @throws NotReady, Unreachable
 */
export async function listUnits(api: ApiClient): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
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
    for (const { id, callSign } of page.data.items) ids.set(callSign, id);
    cursor = page.data.next ?? undefined;
  } while (cursor !== undefined);
  return ids;
}

async function findUnit(api: ApiClient, callSign: string): Promise<string | undefined> {
  const answer = await api.send({ method: "GET", path: `${VEHICLES}?${new URLSearchParams({ callSign })}` });
  return vehiclePage.safeParse(answer.body).data?.items.find((item) => item.callSign === callSign)?.id;
}

export interface EnsuredUnits {
  readonly ids: ReadonlyMap<string, string>;
  readonly created: number;
  readonly reused: number;
  readonly refused: readonly { readonly callSign: string; readonly status: number; readonly problem: Problem }[];
}

/**
 * Sees to it that every unit exists: known ones are used as they are, the others created.
 * @param units call sign and capabilities
 * @throws NotReady, Unreachable
 */
export async function ensureUnits(
  api: ApiClient,
  units: ReadonlyMap<string, readonly string[]>,
  { connections, runKey, signal }: { connections: number; runKey: string; signal: AbortSignal },
): Promise<EnsuredUnits> {
  const ids = await listUnits(api);
  const missing = [...units]
    .filter(([callSign]) => !ids.has(callSign))
    .map(([callSign, capabilities], index) => ({ callSign, capabilities, idempotencyKey: `${runKey}-unit-${index}` }));
  const refused: EnsuredUnits["refused"][number][] = [];
  let created = 0;

  const create = async ({ callSign, capabilities, idempotencyKey }: (typeof missing)[number]) => {
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

  const work = async () => {
    for (let next = missing.pop(); next !== undefined && !signal.aborted; next = missing.pop()) await create(next);
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { ids, created, reused: units.size - created - refused.length - missing.length, refused };
}
