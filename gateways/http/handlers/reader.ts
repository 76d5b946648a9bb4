import { isMember, mayJoin, type Reader } from "../../../actors/channel/membership.ts";
import type { ChannelState, Known } from "../../../actors/channel/state.ts";
import type { ResourceState } from "../../../actors/resource/state.ts";
import type { Board } from "../../../runtime/board.ts";
import type { Principal } from "../../../schema/principal.ts";
import type { Address } from "../../../schema/subjects.ts";
import { ProblemError } from "../problem.ts";
import { type Call, orThrow, type Services } from "./call.ts";

export const channelAt = ({ path }: Call): Address => ({ kind: "channel", id: path["id"]! });

/** A principal, and the units that it reads through: the resource that it is, and the carrier which that is with just now. */
export function readerOf(board: Board, principal: Principal): Reader {
  const { resourceId, agencies } = principal;
  if (resourceId === undefined) return { principal, units: [] };
  const row = board.get({ kind: "resource", id: resourceId });
  if (row === undefined || !agencies.includes(row.agency)) return { principal, units: [] };
  const { carrier } = row.state as Extract<ResourceState, { phase: "known" }>;
  return { principal, units: carrier === null ? [resourceId] : [resourceId, carrier.id] };
}

export interface Readable {
  readonly state: Known;
  readonly version: number;
  /** Of its newest envelope. */
  readonly sequence: number;
}

/** What it takes to look for somebody's channel. */
type Reading = Pick<Services, "board" | "client">;

/** A channel as it is, for a member. @throws 404 for anybody else, 403 for a dispatcher who might join */
export function readable(services: Reading, call: Call): Promise<Readable> {
  return readableBy(services, call.principal, call.requestId, channelAt(call).id);
}

export async function readableBy(
  { board, client }: Reading,
  principal: Principal,
  requestId: string,
  id: string,
): Promise<Readable> {
  const reply = orThrow(await client.read({ kind: "channel", id }, principal, requestId));
  const { version, sequence } = reply;
  return { state: orRefused(board, principal, reply.state as ChannelState), version, sequence };
}

/** As the board shows it, where that lets the caller in; asked of the channel itself otherwise. */
export function member(services: Reading, call: Call): Promise<Known> {
  return memberBy(services, call.principal, call.requestId, channelAt(call).id);
}

export async function memberBy(services: Reading, principal: Principal, requestId: string, id: string): Promise<Known> {
  const known = services.board.get({ kind: "channel", id })?.state as Known | undefined;
  if (known !== undefined && isMember(known, readerOf(services.board, principal))) return known;
  return (await readableBy(services, principal, requestId, id)).state;
}

function orRefused(board: Board, principal: Principal, state: ChannelState): Known {
  if (state.phase === "known") {
    if (isMember(state, readerOf(board, principal))) return state;
    if (mayJoin(state, principal)) throw new ProblemError("forbidden", "join this incident's channel first");
  }
  throw new ProblemError("not_found", "no such channel");
}

/** For commands: the actor cannot look it up itself. */
export function through({ board }: Services, { principal }: Call): { readonly units?: readonly string[] } {
  const { units } = readerOf(board, principal);
  return units.length === 0 ? {} : { units };
}
