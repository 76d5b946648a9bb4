import type { z } from "zod";
import type { createAlertSource, SourceFields } from "../../../schema/alert.ts";
import type { alertSourceRoutes } from "../../../schema/routes/alert-sources.ts";
import type { Address } from "../../../schema/subjects.ts";
import { Delivery } from "../../alerts/delivery.ts";
import { ProblemError } from "../problem.ts";
import { agencyFor, ask, type Call, created, type Handler, list, read } from "./call.ts";
import { rotated, withSecret } from "./secrets.ts";

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
    return withSecret(services, answer, 1, "source");
  },
  listAlertSources: (services, call) => list(services, call, "source", {}),
  getAlertSource: (services, call) => read(services, call, source(call)),
  patchAlertSource: (services, call) => ask(services, call, source(call), { type: "update", changes: call.body }),
  rotateAlertSource: (services, call) => rotated(services, call, "source", call.path["id"]!),

  async receiveWebhook({ webhooks }, { body, path, requestId }) {
    if (!(body instanceof Delivery)) throw new ProblemError("forbidden", "a source sends by HTTP, with its credential");
    const alerts = await webhooks.receive(path["source"]!, body, requestId);
    return { status: 202, body: JSON.stringify({ alerts }) };
  },
};
