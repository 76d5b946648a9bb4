import type { TextClassifier } from "../../../actors/classification/text-classifier.ts";
import type { Registry } from "../../../runtime/actor.ts";
import type { Archive } from "../../../runtime/archive.ts";
import type { Board, View, Views } from "../../../runtime/board.ts";
import type { Client } from "../../../runtime/client.ts";
import type { Command, Reply } from "../../../runtime/messages.ts";
import type { NumberDispenser } from "../../../runtime/numbers.ts";
import { imageAsOf } from "../../../runtime/past.ts";
import type { Region } from "../../../runtime/places/region.ts";
import type { Ports } from "../../../runtime/ports/index.ts";
import type { Presence } from "../../../runtime/presence/presence.ts";
import type { TravelTimes } from "../../../runtime/travel-times.ts";
import type { Vault } from "../../../runtime/vault/vault.ts";
import type { Principal } from "../../../schema/principal.ts";
import { type Address, isSafeToken } from "../../../schema/subjects.ts";
import type { AlertIntake } from "../../alerts/intake.ts";
import type { SourceSecrets } from "../../alerts/secrets.ts";
import type { Webhooks } from "../../alerts/webhooks.ts";
import type { PushService } from "../../push/service.ts";
import type { Answer } from "../exchange.ts";
import { type RequestIdentity, rememberCreation } from "../idempotency.ts";
import { ProblemError } from "../problem.ts";

/** What the handlers stand on; the composition root brings it together. */
export interface Services {
  readonly ports: Ports;
  readonly registry: Registry;
  readonly client: Client;
  readonly board: Board;
  readonly views: Views;
  readonly numbers: NumberDispenser;
  readonly intake: AlertIntake;
  /** Reads what callers say in their own words; undefined where it is off. */
  readonly textClassifier?: TextClassifier | undefined;
  /** What opens and seals messages. */
  readonly vault: Vault;
  readonly presence: Presence;
  readonly push: PushService;
  /** undefined where there is none. */
  readonly archive?: Archive | undefined;
  /** undefined where none are configured: units are then ranked by distance. */
  readonly travelTimes?: TravelTimes | undefined;
  readonly secrets: SourceSecrets;
  readonly webhooks: Webhooks;
}

/** A request that has been authenticated and validated. */
export interface Call {
  readonly principal: Principal;
  readonly requestId: string;
  /** What stands in the path, by name. */
  readonly path: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: validated by the route's own schema, whose type each handler names
  readonly body: any;
  // biome-ignore lint/suspicious/noExplicitAny: as the body
  readonly query: any;
  readonly identity: RequestIdentity | undefined;
  readonly expectedVersion: number | undefined;
  /** The list must show everything up to here. */
  readonly sequence: number | undefined;
}

export type Handler = (services: Services, call: Call) => Promise<Answer>;

const BOARD_WAIT_MS = 2_000;

/** The agency a new entity belongs to. */
export function agencyFor({ agencies }: Principal, wanted: string | undefined): string {
  const agency = wanted ?? agencies[0]!;
  if (!agencies.includes(agency))
    throw new ProblemError("forbidden", `this principal may not act for agency ${agency}`);
  return agency;
}

export async function created<Made extends { readonly id: string }>(
  services: Services,
  call: Call,
  kind: string,
  make: () => Promise<Made>,
  command: (made: Made) => Command,
  location: string,
): Promise<Answer> {
  const { identity } = call;
  const { made, first } =
    identity === undefined
      ? { made: await make(), first: true }
      : await rememberCreation(services.ports, identity, make);
  const reply = orThrow(
    await services.client.ask({ kind, id: made.id }, command(made), {
      by: call.principal,
      requestId: call.requestId,
      fresh: first,
      ...identity,
    }),
  );
  return shown(services, call, { kind, id: made.id }, reply, 201, { location: location + made.id });
}

export function send(services: Services, call: Call, to: Address, command: Command): Promise<Reply> {
  return services.client.ask(to, command, {
    by: call.principal,
    requestId: call.requestId,
    ...call.identity,
    ...(call.expectedVersion === undefined ? {} : { expectedVersion: call.expectedVersion }),
  });
}

/** Asks, and answers with the entity as it then is. */
export function ask(services: Services, call: Call, to: Address, command: Command): Promise<Answer> {
  return askFor(services, call, to, command, 200);
}

export async function askFor(
  services: Services,
  call: Call,
  to: Address,
  command: Command,
  status: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return shown(services, call, to, orThrow(await send(services, call, to, command)), status, more);
}

export async function read(services: Services, call: Call, address: Address): Promise<Answer> {
  const reply = orThrow(await services.client.read(address, call.principal, call.requestId));
  return shown(services, call, address, reply, 200);
}

/** As it was at a moment of the past: a sequence of the journal, or a time. Whether it may be seen is asked of it as it is. */
export async function readPast(services: Services, call: Call, address: Address, at: string): Promise<Answer> {
  orThrow(await services.client.read(address, call.principal, call.requestId));
  const { registry, views, ports } = services;
  const moment = /^\d+$/.test(at) ? { sequence: Number(at) } : { at };
  const { state, version, sequence } = await imageAsOf(registry.get(address.kind)!, address, moment, ports);
  if (version === 0) throw new ProblemError("not_found", `it did not exist yet at ${at}`);
  const headers = headersOf({ ok: true, state, version, sequence });
  return { status: 200, headers, body: JSON.stringify(views.get(address.kind)!.present(address.id, state, version)) };
}

/** What happened to an actor, oldest first, as its journal tells. */
export async function timeline(services: Services, call: Call, address: Address): Promise<Answer> {
  const { state } = orThrow(await services.client.read(address, call.principal, call.requestId));
  const agency = services.registry.get(address.kind)!.agencyOf(state);
  const { limit, cursor } = call.query as { limit: number; cursor?: string };
  const after = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isSafeInteger(after) || after < 0) throw new ProblemError("invalid_query", "cursor: not one of ours");
  const entries = await services.client.history(address, after, limit + 1, agency);
  const items: object[] = [];
  let last: number | undefined;
  for (const { sequence, envelope } of entries) {
    if (items.length >= limit) break;
    const { at, by, cause, events } = envelope;
    for (const { type, ...data } of events)
      items.push({ sequence, at, type, by, ...(cause === undefined ? {} : { cause }), data });
    last = sequence;
  }
  const next = last === entries.at(-1)?.sequence ? null : String(last);
  return { status: 200, body: JSON.stringify({ items, next }) };
}

/** Waits until the board shows what the caller says it has written. */
export async function upToDate({ board }: Services, { sequence }: Call): Promise<void> {
  if (sequence === undefined || (await board.waitFor(sequence, BOARD_WAIT_MS))) return;
  throw new ProblemError("board_behind", `the list shows everything up to ${board.sequence} so far`);
}

export async function list(
  services: Services,
  call: Call,
  kind: string,
  fixed: Readonly<Record<string, unknown>>,
  region?: Region,
  complete = true,
): Promise<Answer> {
  await upToDate(services, call);
  const { limit, cursor, ...filters } = call.query as { limit: number; cursor?: string };
  if (cursor !== undefined && !isSafeToken(cursor)) throw new ProblemError("invalid_query", "cursor: not one of ours");
  const { items, next } = await services.board.list({
    kind,
    agencies: call.principal.agencies,
    filters: { ...filters, ...fixed },
    limit,
    ...(cursor === undefined ? {} : { after: cursor }),
    ...(region === undefined ? {} : { region }),
  });
  return { status: 200, body: JSON.stringify({ items, next, complete }) };
}

export function orThrow(reply: Reply): Reply & { ok: true } {
  if (!reply.ok) throw new ProblemError(reply.code, reply.detail, reply.data);
  return reply;
}

export function shown(
  { views, board }: Services,
  { principal }: Call,
  address: Address,
  reply: Reply & { ok: true },
  status: number,
  more: Readonly<Record<string, string>> = {},
): Answer {
  const view: View = views.get(address.kind)!;
  const presented = view.present(address.id, reply.state, reply.version, board.reading(address));
  const body = JSON.stringify(view.seenBy?.(principal.subject, reply.state, presented) ?? presented);
  return { status, headers: { ...headersOf(reply), ...more }, body };
}

export function headersOf({ version, sequence }: Reply & { ok: true }): Readonly<Record<string, string>> {
  return { etag: `"${version}"`, "tocsin-sequence": String(sequence) };
}
