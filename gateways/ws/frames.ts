import type { Envelope } from "../../schema/envelope.ts";
import type { Position, ServerMessages } from "../../schema/live/messages.ts";
import type { Told } from "./recent.ts";

/** A frame without its topic: it is written once, however many topics and sockets it goes out on. */
export type Body = string;

const encoder = new TextEncoder();

export interface EventAttributes {
  readonly area?: "entered" | "moved" | "left";
  readonly conflated?: true;
}

/** A body on a topic. */
export function onTopic(topic: string, body: Body, { area, conflated }: EventAttributes = {}): Uint8Array {
  const marks = `${area === undefined ? "" : `"area":"${area}",`}${conflated === undefined ? "" : '"conflated":true,'}`;
  return encoder.encode(`{"specversion":"1.0","topic":${JSON.stringify(topic)},${marks}${body}`);
}

/** What may follow when the journal is gone back to an older copy and goes on from there: no two commands have one id. */
export function markOf(payload: string): string {
  return (JSON.parse(payload) as Envelope).commandId.slice(-10);
}

/** The events of one entry of the journal, in order. */
export function bodiesOf({ sequence, payload, kind, id, agency }: Told, epoch: string, state?: object): Body[] {
  const { events, version, at, by, cause, commandId } = JSON.parse(payload) as Envelope;
  const shared = JSON.stringify({
    source: `/agencies/${agency}`,
    subject: `${kind}/${id}`,
    time: at,
    datacontenttype: "application/json",
    epoch,
    offset: String(sequence),
    mark: commandId.slice(-10),
  }).slice(1, -1);
  return events.map(({ type, ...event }, index) => {
    const last = index === events.length - 1;
    const data = JSON.stringify({ event, version, by, cause, state: last ? state : undefined });
    const more = last ? "" : '"more":true,';
    return `"id":"${sequence}-${index}","type":${JSON.stringify(type)},${shared},${more}"data":${data}}`;
  });
}

/** A unit's position. */
export function positionBody(
  {
    kind,
    id,
    agency,
    version,
  }: { readonly kind: string; readonly id: string; readonly agency: string; readonly version: number },
  sequence: number,
  reading: unknown,
  state?: object,
): Body {
  const attributes = {
    id: `loc-${sequence}`,
    type: `${kind}.location_updated`,
    source: `/agencies/${agency}`,
    subject: `${kind}/${id}`,
    time: (reading as { readonly at?: string }).at,
    datacontenttype: "application/json",
    data: { event: { position: reading }, version, state },
  };
  return JSON.stringify(attributes).slice(1);
}

export interface ControlAttributes {
  readonly request?: string;
  readonly topic?: string;
}

/** Something said about the connection itself. */
export function control<T extends keyof ServerMessages>(
  type: T,
  id: string,
  data: ServerMessages[T],
  { request, topic }: ControlAttributes = {},
): Uint8Array {
  const attributes = { specversion: "1.0", id, source: "/ws", type, datacontenttype: "application/json" };
  return encoder.encode(JSON.stringify({ ...attributes, request, topic, data }));
}

/** An answer whose body is JSON already. */
export function answered(
  id: string,
  request: string,
  { status, headers }: { readonly status: number; readonly headers: object },
  body: string,
): Uint8Array {
  const attributes = JSON.stringify({
    specversion: "1.0",
    id,
    source: "/ws",
    type: "command.answered",
    datacontenttype: "application/json",
    request,
  });
  const start = `${attributes.slice(0, -1)},"data":{"status":${status},"headers":${JSON.stringify(headers)}`;
  return encoder.encode(`${start},"body":${body === "" ? "null" : body}}}`);
}

export function positionAt(epoch: string, sequence: number, mark: string | undefined): Position {
  return { epoch, offset: String(sequence), ...(mark === undefined ? {} : { mark }) };
}
