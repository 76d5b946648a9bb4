import type { z } from "zod";
import type { KnownHook } from "../../../actors/hook/definition.ts";
import type { createHook } from "../../../schema/notification.ts";
import type { notificationRoutes } from "../../../schema/routes/notifications.ts";
import type { Address } from "../../../schema/subjects.ts";
import type { Answer } from "../exchange.ts";
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

const hook = ({ path }: Call): Address => ({ kind: "hook", id: path["id"]! });

export const notificationHandlers: Readonly<Record<keyof typeof notificationRoutes, Handler>> = {
  async createHook(services, call) {
    const { agencyId, ...given }: z.infer<typeof createHook> = call.body;
    const agency = agencyFor(call.principal, agencyId);
    const make = async () => ({ id: services.ports.ids.uuidV7() });
    const command = () => ({ type: "create", agencyId: agency, fields: { ...given, enabled: true } });
    return withSecret(services, await created(services, call, "hook", make, command, "/api/v1/hooks/"), 1);
  },
  listHooks: (services, call) => list(services, call, "hook", {}),
  getHook: (services, call) => read(services, call, hook(call)),
  patchHook: (services, call) => ask(services, call, hook(call), { type: "update", changes: call.body }),
  async rotateHook(services, call) {
    const to = hook(call);
    const reply = orThrow(await send(services, call, to, { type: "rotate" }));
    const shown = services.views.get(to.kind)!.present(to.id, reply.state, reply.version);
    const answer = { status: 200, headers: headersOf(reply), body: JSON.stringify(shown) };
    return withSecret(services, answer, (reply.state as KnownHook).generation);
  },

  listDeliveries: (services, call) => list(services, call, "delivery", {}),
  retryDelivery: (services, call) => ask(services, call, { kind: "delivery", id: call.path["id"]! }, { type: "retry" }),
};

function withSecret({ secrets }: Services, answer: Answer, generation: number): Answer {
  const shown = JSON.parse(answer.body as string) as { readonly id: string };
  return { ...answer, body: JSON.stringify({ ...shown, secret: secrets.secretOf(shown.id, generation, "hook") }) };
}
