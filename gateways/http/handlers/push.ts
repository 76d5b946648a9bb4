import type { z } from "zod";
import type { DevicesState, KnownDevices } from "../../../actors/devices/definition.ts";
import { idFrom } from "../../../runtime/id-from.ts";
import type { Principal } from "../../../schema/principal.ts";
import {
  type DevicesCommand,
  defaultPreferences,
  type Owner,
  type PageFilters,
  type Preferences,
  type pageReceipt,
  type RegisterDevice,
} from "../../../schema/push.ts";
import type { pushRoutes } from "../../../schema/routes/push.ts";
import type { Address } from "../../../schema/subjects.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import { ask, type Call, type Handler, headersOf, orThrow, read, type Services, send, upToDate } from "./call.ts";
import { idIn, listWithPast, pastPages } from "./past-lists.ts";

const page = ({ path }: Call): Address => ({ kind: "page", id: path["id"]! });

/** The caller's own list of devices. */
function own({ agencies, subject }: Principal): Address {
  return { kind: "devices", id: idFrom(`devices ${agencies[0]} ${subject}`) };
}

function ownerIn({ subject, agencies, roles, resourceId }: Principal): Owner {
  return { agencyId: agencies[0]!, subject, agencies, roles, resourceId: resourceId ?? null };
}

type Shown = KnownDevices["devices"][number];

function shown({ id, kind, name, since }: Shown): object {
  return { id, kind, name, createdAt: since };
}

const listed = (devices: readonly Shown[]) => JSON.stringify({ items: devices.map(shown), next: null, complete: true });

async function known(services: Services, call: Call): Promise<KnownDevices | undefined> {
  const reply = await services.client.read(own(call.principal), call.principal, call.requestId);
  if (!reply.ok && reply.code === "not_found") return;
  const state = orThrow(reply).state as DevicesState;
  return state.phase === "known" ? state : undefined;
}

async function change(services: Services, call: Call, command: DevicesCommand) {
  const reply = orThrow(await send(services, call, own(call.principal), { ...command }));
  return { headers: headersOf(reply), state: reply.state as KnownDevices };
}

export const pushHandlers: Readonly<Record<keyof typeof pushRoutes, Handler>> = {
  async getPushService({ push }) {
    const { vapidPublicKey, kinds } = push;
    return { status: 200, body: JSON.stringify({ vapidPublicKey, kinds }) };
  },

  async listDevices(services, call) {
    return { status: 200, body: listed((await known(services, call))?.devices ?? []) };
  },

  async registerDevice(services, call) {
    const device: RegisterDevice = call.body;
    const { name = null, ...address } = device;
    const why = services.push.whyNot(device);
    if (why !== undefined) throw new ProblemError("device_unreachable", why);
    // The same address is the same device, whatever it is called.
    const id = idFrom(`device ${call.principal.subject} ${JSON.stringify(address)}`);
    const sealed = services.push.seal(device, id);
    const kept = { id, kind: device.kind, name, sealed, mark: services.push.mark(device) };
    const { headers, state } = await change(services, call, {
      type: "register",
      owner: ownerIn(call.principal),
      device: kept,
    });
    return answerWith(state, id, 201, headers);
  },

  async removeDevice(services, call) {
    const { headers, state } = await change(services, call, { type: "remove", deviceId: call.path["id"]! });
    return { status: 200, headers, body: listed(state.devices) };
  },

  async getPushPreferences(services, call) {
    const { preferences } = (await known(services, call)) ?? { preferences: defaultPreferences };
    return { status: 200, body: JSON.stringify(preferences) };
  },

  async putPushPreferences(services, call) {
    const preferences: Preferences = call.body;
    checkZone(preferences);
    const { headers, state } = await change(services, call, {
      type: "prefer",
      owner: ownerIn(call.principal),
      preferences,
    });
    return { status: 200, headers, body: JSON.stringify(state.preferences) };
  },

  async listPages(services, call) {
    const { limit, cursor, ...filters }: PageFilters = call.query;
    const before = idIn(cursor);
    await upToDate(services, call);
    const matches = services.views.get("page")!.matches;
    const listed = await listWithPast(services, call, {
      ...{ of: pastPages, filters, q: undefined, limit, before },
      visible: ({ agency, state }) => call.principal.agencies.includes(agency) && matches(state, filters),
    });
    return { status: 200, body: JSON.stringify(listed) };
  },
  getPage: (services, call) => read(services, call, page(call)),
  acknowledgePage: (services, call) => ask(services, call, page(call), { type: "acknowledge" }),
  confirmPage(services, call) {
    const receipt: z.infer<typeof pageReceipt> = call.body;
    return ask(services, call, page(call), { type: "receipt", ...receipt });
  },
};

function answerWith({ devices }: KnownDevices, id: string, status: number, headers: Answer["headers"] = {}): Answer {
  return { status, headers, body: JSON.stringify(shown(devices.find((one) => one.id === id)!)) };
}

function checkZone({ quietHours }: Preferences): void {
  if (quietHours === null) return;
  try {
    new Intl.DateTimeFormat("en", { timeZone: quietHours.timeZone });
  } catch {
    const issues = [{ path: "quietHours.timeZone", message: "no such zone: one is Europe/Berlin" }];
    throw new ProblemError("invalid_body", "see issues", { issues });
  }
}
