/** Types alone, all from the schemas that the server validates with: nothing of this is left at run time. */
import type { z } from "zod";
import type { Alert } from "../schema/alert.ts";
import type { Channel } from "../schema/channel.ts";
import type { Incident } from "../schema/incident.ts";
import type { LiveEvent } from "../schema/live/events.ts";
import type { ClientMessage, Position, ServerMessages } from "../schema/live/messages.ts";
import type { PageShown } from "../schema/push.ts";
import type { Resource } from "../schema/resource.ts";
import type { AlertGroup } from "../schema/routes/routing.ts";
import type { OperationId, Route, routes } from "../schema/routes.ts";

export type { Channel, ClientMessage, Incident, LiveEvent, OperationId, Position, Resource, ServerMessages };

/** Something that happened, as a CloudEvent. */
export type Happened = { [T in LiveEvent["type"]]: HappenedOf<T> }[LiveEvent["type"]];

interface HappenedOf<T extends LiveEvent["type"]> {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: T;
  readonly subject: string;
  readonly time: string;
  readonly topic: string;
  /** With offset and mark its position; what is outside the journal, a unit's position, has none. */
  readonly epoch?: string;
  readonly offset?: string;
  readonly mark?: string;
  /** Another event of the same position follows. */
  readonly more?: true;
  readonly area?: "entered" | "moved" | "left";
  readonly conflated?: true;
  readonly data: {
    readonly event: Omit<Extract<LiveEvent, { readonly type: T }>, "type">;
    readonly version: number;
    readonly by?: string;
    readonly cause?: string;
    readonly state?: StateOf<T>;
  };
}

type StateOf<T extends string> = T extends `resource.${string}`
  ? Resource
  : T extends `channel.${string}`
    ? Channel
    : T extends `alert.${string}`
      ? Alert
      : T extends `alertgroup.${string}`
        ? AlertGroup
        : T extends `page.${string}`
          ? PageShown
          : T extends `message.${string}`
            ? never
            : Incident;

type SubscriptionMessage = Extract<keyof ServerMessages, `subscription.${string}`>;

/** What a subscription says of itself. */
export type Said = {
  [T in SubscriptionMessage]: { readonly type: T; readonly topic: string; readonly data: ServerMessages[T] };
}[SubscriptionMessage];

/** Somebody comes or goes. */
export interface Presence {
  readonly type: "presence.update";
  readonly topic: string;
  readonly data: ServerMessages["presence.update"];
}

/** Somebody types in a channel: shown for `seconds` from now. */
export interface Typing {
  readonly type: "channel.typing";
  readonly topic: string;
  readonly data: ServerMessages["channel.typing"];
}

export type Item = Happened | Said | Presence | Typing;

/** What a command takes. */
export interface CommandRequest<O extends OperationId> {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: (typeof routes)[O] extends { readonly body: infer B extends z.ZodType } ? z.input<B> : never;
  /** Repeating a command under the same key gives the first answer. Default: a new one, kept over reconnects. */
  readonly idempotencyKey?: string;
  /** The ETag that was read: refused if it changed since. */
  readonly ifMatch?: string;
  /** Answer only once lists show everything up to this `tocsin-sequence`. */
  readonly sequence?: string;
}

export interface CommandAnswer<O extends OperationId> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (typeof routes)[O] extends { readonly answer: infer A extends z.ZodType } ? z.output<A> : Route;
}

/** As much of the browser's WebSocket as is used: those of Node, of `ws` and of undici have it, too. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;
