import type { z } from "zod";
import { audiencesOf } from "../../../actors/channel/membership.ts";
import type { Known } from "../../../actors/channel/state.ts";
import { channelView } from "../../../actors/channel/view.ts";
import type { Row } from "../../../runtime/board.ts";
import { idFrom } from "../../../runtime/id-from.ts";
import { pause } from "../../../runtime/pause.ts";
import type {
  ChannelCommand,
  ChannelFilters,
  changeMembers,
  createChannel,
  markRead,
} from "../../../schema/channel.ts";
import type { channelRoutes } from "../../../schema/routes/channels.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import {
  agencyFor,
  ask,
  askFor,
  type Call,
  created,
  type Handler,
  orThrow,
  type Services,
  shown,
  upToDate,
} from "./call.ts";
import { messageHandlers } from "./messages.ts";
import { idIn, listWithPast, pastChannels } from "./past-lists.ts";
import { channelAt, readable, readerOf, through } from "./reader.ts";

const CHANNELS = "/api/v1/channels/";

export const channelHandlers: Readonly<Record<keyof typeof channelRoutes, Handler>> = {
  ...messageHandlers,

  async listChannels(services, call) {
    await upToDate(services, call);
    const { limit, cursor, ...asked }: ChannelFilters = call.query;
    const before = idIn(cursor);
    const { agencies, subject: seenBy } = call.principal;
    const filters = { ...asked, audience: audiencesOf(readerOf(services.board, call.principal)) };
    const visible = ({ state, agency }: Row) =>
      (agencies.includes(agency) || (state as Known).sharedWith.some((one) => agencies.includes(one))) &&
      channelView.matches(state, filters);
    // What is open has not left.
    const of = { ...pastChannels, departs: asked.open !== "true" };
    const wanted = { of, filters, q: undefined, limit, before, seenBy, visible };
    return { status: 200, body: JSON.stringify(await listWithPast(services, call, wanted)) };
  },

  async createChannel(services, call) {
    const { kind, name, members = [], incidentId, agencyId }: z.infer<typeof createChannel> = call.body;
    if (kind === "incident") return joinIncident(services, call, incidentId!, members);
    const agency = agencyFor(call.principal, agencyId);
    if (kind === "agency" && !["supervisor", "admin"].some((role) => call.principal.roles.includes(role as "admin"))) {
      throw new ProblemError("forbidden", "to make an agency's channel takes a supervisor");
    }
    const command: ChannelCommand = {
      type: "create",
      agencyId: agency,
      kind,
      name: name ?? null,
      members: kind === "agency" ? [] : members,
    };
    if (kind !== "direct") {
      const make = async () => ({ id: services.ports.ids.uuidV7() });
      return created(services, call, "channel", make, () => ({ ...command }), CHANNELS);
    }
    const all = [...new Set([call.principal.subject, ...members])].sort();
    if (all.length < 2) {
      const issues = [{ path: "members", message: "somebody beside yourself" }];
      throw new ProblemError("invalid_body", "see issues", { issues });
    }
    const id = idFrom(JSON.stringify([agency, ...all]));
    return askFor(services, call, { kind: "channel", id }, { ...command }, 201, { location: CHANNELS + id });
  },

  async getChannel(services, call) {
    return shown(services, call, channelAt(call), { ok: true, ...(await readable(services, call)) }, 200);
  },

  async changeMembers(services, call) {
    const { add = [], remove = [] }: z.infer<typeof changeMembers> = call.body;
    const command = { type: "changeMembers", add, remove, ...through(services, call) };
    return ask(services, call, channelAt(call), command);
  },

  closeChannel: (services, call) => ask(services, call, channelAt(call), { type: "close" }),

  async markRead(services, call) {
    const { upTo, state = "read" }: z.infer<typeof markRead> = call.body;
    const command = { type: "read", state, ...(upTo === undefined ? {} : { upTo }), ...through(services, call) };
    return ask(services, call, channelAt(call), command);
  },
};

/** An incident's channel is made behind the incident: who asks right after it waits for it. */
const MADE_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 20;

async function joinIncident(
  services: Services,
  call: Call,
  incidentId: string,
  members: readonly string[],
): Promise<Answer> {
  const { client, ports } = services;
  const { principal, requestId } = call;
  orThrow(await client.read({ kind: "incident", id: incidentId }, principal, requestId));
  const address = { kind: "channel", id: incidentId };
  const giveUpAt = ports.clock.monotonicMs() + MADE_WITHIN_MS;
  for (;;) {
    const reply = await client.read(address, principal, requestId);
    if (reply.ok || reply.code !== "not_found") break;
    if (ports.clock.monotonicMs() > giveUpAt)
      throw new ProblemError("no_host", "the incident's channel is still being made");
    await pause(ports.clock, LOOK_AGAIN_MS);
  }
  const location = { location: CHANNELS + incidentId };
  const units = through(services, call);
  const join = { type: "changeMembers", add: [principal.subject], remove: [], ...units };
  if (members.length === 0) return askFor(services, call, address, join, 201, location);
  orThrow(await client.ask(address, join, { by: principal, requestId }));
  return askFor(services, call, address, { ...join, add: [principal.subject, ...members] }, 201, location);
}
