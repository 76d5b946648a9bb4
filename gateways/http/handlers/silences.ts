import type { SilencesState } from "../../../actors/routing/silences.ts";
import { stateOf } from "../../../actors/routing/silencing.ts";
import type { Reply } from "../../../runtime/messages.ts";
import type { OfAgency } from "../../../schema/routes/configuration.ts";
import type { routingRoutes } from "../../../schema/routes/routing.ts";
import type { Silence } from "../../../schema/routing/silence.ts";
import type { Address } from "../../../schema/subjects.ts";
import type { Answer } from "../exchange.ts";
import { rememberCreation } from "../idempotency.ts";
import { ProblemError } from "../problem.ts";
import { agencyFor, type Call, type Handler, headersOf, orThrow, type Services, send } from "./call.ts";

const addressOf = ({ principal, query }: Call): Address => {
  return { kind: "silences", id: agencyFor(principal, (query as OfAgency).agencyId) };
};

/** The same for the same request, however often it comes. */
async function idFor({ ports }: Services, { identity }: Call): Promise<string> {
  const make = async () => ports.ids.uuidV7();
  return identity === undefined ? make() : (await rememberCreation(ports, identity, make)).made;
}

const shown = (silence: Silence, at: string) => ({ ...silence, state: stateOf(silence, at) });
const now = ({ ports }: Services) => new Date(ports.clock.now()).toISOString();

function answered(services: Services, reply: Reply & { ok: true }, ids: readonly string[], status = 200): Answer {
  const { silences } = reply.state as SilencesState;
  const silence = ids.map((id) => silences[id]).find((one) => one !== undefined)!;
  return { status, headers: headersOf(reply), body: JSON.stringify(shown(silence, now(services))) };
}

type SilenceOperation = Extract<keyof typeof routingRoutes, `${string}Silence${string}`>;

export const silenceHandlers: Readonly<Record<SilenceOperation, Handler>> = {
  async listSilences(services, call) {
    const { state: wanted } = call.query as { state?: string };
    const reply = await services.client.read(addressOf(call), call.principal, call.requestId);
    const isNone = !reply.ok && reply.code === "not_found";
    const { silences } = isNone ? { silences: {} } : (orThrow(reply).state as SilencesState);
    const all = Object.values<Silence>(silences).map((silence) => shown(silence, now(services)));
    const items = all.filter(({ state }) => wanted === undefined || state === wanted);
    items.sort((a, b) => (a.id < b.id ? 1 : -1));
    return { status: 200, body: JSON.stringify({ items }) };
  },

  async createSilence(services, call) {
    const id = await idFor(services, call);
    const command = { type: "silence", id, silence: call.body };
    return answered(services, orThrow(await send(services, call, addressOf(call), command)), [id], 201);
  },

  async changeSilence(services, call) {
    const { id = "" } = call.path;
    const replacementId = await idFor(services, call);
    const command = { type: "change", id, replacementId, silence: call.body };
    const reply = orThrow(await found(send(services, call, addressOf(call), command)));
    return answered(services, reply, [replacementId, id]);
  },

  async expireSilence(services, call) {
    const { id = "" } = call.path;
    const reply = await found(send(services, call, addressOf(call), { type: "expire", id }));
    return answered(services, orThrow(reply), [id]);
  },
};

/** An agency that never had one has none of that id. */
async function found(asked: Promise<Reply>): Promise<Reply> {
  const reply = await asked;
  if (!reply.ok && reply.code === "not_found") throw new ProblemError("not_found", "no such silence");
  return reply;
}
