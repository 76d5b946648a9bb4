import type { Envelope } from "../../schema/envelope.ts";
import type { Position, ServerMessages } from "../../schema/live/messages.ts";
import type { Told } from "./recent.ts";

/** A frame without its topic: it is written once, however many topics and sockets it goes out on. */
export type Body = string;

export interface EventAttributes {
  readonly area?: "entered" | "moved" | "left";
  readonly conflated?: true;
}

/** A body on a topic. */
export function onTopic(topic: string, body: Body, { area, conflated }: EventAttributes = {}): Uint8Array {
  const marks = `${area === undefined ? "" : `"area":"${area}",`}${conflated === undefined ? "" : '"conflated":true,'}`;
  return Buffer.from(`{"specversion":"1.0","topic":${JSON.stringify(topic)},${marks}${body}`);
}

/** What may follow when the journal is gone back to an older copy and goes on from there: no two commands have one id. */
export function markOf(payload: string): string {
  return (JSON.parse(payload) as Envelope).commandId.slice(-10);
}

type Event = Envelope["events"][number];

/**
 * The events of one entry of the journal, in order. What is put together here by hand are safe tokens and times.
 * @param reword what is told of an event, where it is not told as it stands
 */
export function bodiesOf(
  { sequence, payload, kind, id, agency }: Told,
  epoch: string,
  state?: object,
  reword: (event: Event, by: string) => Event = asItStands,
): Body[] {
  const { events, version, at, by, cause, commandId } = JSON.parse(payload) as Envelope;
  const shared =
    `"source":"/agencies/${agency}","subject":"${kind}/${id}","time":"${at}","datacontenttype":"application/json",` +
    `"epoch":"${epoch}","offset":"${sequence}","mark":${JSON.stringify(commandId.slice(-10))}`;
  const said = `"version":${version},"by":${JSON.stringify(by)}${cause === undefined ? "" : `,"cause":${JSON.stringify(cause)}`}`;
  const last = events.length - 1;
  return events.map((written, index) => {
    const { type, ...event } = reword(written, by);
    const more = index < last ? ',"more":true' : "";
    const after = index === last && state !== undefined ? `,"state":${JSON.stringify(state)}` : "";
    return `"id":"${sequence}-${index}","type":"${type}",${shared}${more},"data":{"event":${JSON.stringify(event)},${said}${after}}}`;
  });
}

const asItStands = (event: Event) => event;

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
  return Buffer.from(JSON.stringify({ ...attributes, request, topic, data }));
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
  return Buffer.from(`${start},"body":${body === "" ? "null" : body}}}`);
}

export function positionAt(epoch: string, sequence: number, mark: string | undefined): Position {
  return { epoch, offset: String(sequence), ...(mark === undefined ? {} : { mark }) };
}
