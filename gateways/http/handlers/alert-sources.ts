import type { z } from "zod";
import type { KnownSource } from "../../../actors/source/definition.ts";
import type { createAlertSource, SourceFields } from "../../../schema/alert.ts";
import type { alertSourceRoutes } from "../../../schema/routes/alert-sources.ts";
import type { Address } from "../../../schema/subjects.ts";
import { Delivery } from "../../alerts/delivery.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import {
  agencyFor,
  ask,
  type Call,
  created,
  type Handler,
  headersOf,
  list,
  orThrow,
  read,
  type Services,
  send,
} from "./call.ts";

const source = ({ path }: Call): Address => ({ kind: "source", id: path["id"]! });

const defaults: Omit<SourceFields, "name" | "format"> = {
  credential: "token",
  mapping: null,
  ratePerSecond: 100,
  bytesMax: 1_048_576,
  incidentFrom: "high",
  autoResolveSeconds: null,
  silentAfterSeconds: null,
  enabled: true,
};

export const alertSourceHandlers: Readonly<Record<keyof typeof alertSourceRoutes, Handler>> = {
  async createAlertSource(services, call) {
    const { agencyId, ...given }: z.infer<typeof createAlertSource> = call.body;
    const fields = { ...defaults, ...given };
    const agency = agencyFor(call.principal, agencyId);
    const make = async () => ({ id: services.ports.ids.uuidV7() });
    const command = () => ({ type: "create", agencyId: agency, fields });
    const answer = await created(services, call, "source", make, command, "/api/v1/sources/");
    return withSecret(services, answer, 1);
  },
  listAlertSources: (services, call) => list(services, call, "source", {}),
  getAlertSource: (services, call) => read(services, call, source(call)),
  patchAlertSource: (services, call) => ask(services, call, source(call), { type: "update", changes: call.body }),
  async rotateAlertSource(services, call) {
    const to = source(call);
    const reply = orThrow(await send(services, call, to, { type: "rotate" }));
    const shown = services.views.get(to.kind)!.present(to.id, reply.state, reply.version);
    const answer = { status: 200, headers: headersOf(reply), body: JSON.stringify(shown) };
    return withSecret(services, answer, (reply.state as KnownSource).generation);
  },

  async receiveWebhook({ webhooks }, { body, path, requestId }) {
    if (!(body instanceof Delivery)) throw new ProblemError("forbidden", "a source sends by HTTP, with its credential");
    const alerts = await webhooks.receive(path["source"]!, body, requestId);
    return { status: 202, body: JSON.stringify({ alerts }) };
  },
};

function withSecret({ secrets }: Services, answer: Answer, generation: number): Answer {
  const shown = JSON.parse(answer.body as string) as { readonly id: string };
  return { ...answer, body: JSON.stringify({ ...shown, secret: secrets.secretOf(shown.id, generation) }) };
}
