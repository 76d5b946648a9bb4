/** What travels between a client and an actor's host: over a subject as JSON, or by reference within one process. */
import type { ErrorCode, Refusal } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";

export interface Command {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface From {
  readonly by: Principal;
  readonly requestId: string;
}

export type Message =
  /** Decide and commit. */
  | (From & {
      readonly op: "command";
      readonly commandId: string;
      readonly command: Command;
      /** Hash of the request: the same command id with another one is refused. */
      readonly fingerprint?: string;
      /** Refuse unless the actor has this version. */
      readonly expectedVersion?: number;
      /** The sender has just made the id up: nothing need be read first, the fence shows if that was wrong. */
      readonly fresh?: boolean;
      /** See `Forward`. */
      readonly trusted?: boolean;
      readonly cause?: string;
    })
  /** The state as it is. */
  | (From & { readonly op: "read" })
  /** Measured, not decided: kept as telemetry. */
  | (From & { readonly op: "report"; readonly report: unknown })
  /** Part of another actor's commit: check, answer with what to append, and wait for `settle`. */
  | (From & {
      readonly op: "prepare";
      readonly commandId: string;
      /** Which of the leaders' attempts at this command: another one may have another outcome. */
      readonly attempt: string;
      readonly command: Command;
      readonly at: string;
      /** See `Participation`. */
      readonly trusted?: boolean;
      readonly fingerprint?: string;
      readonly cause?: string;
    })
  /** What became of the prepared commit. Without sequences it did not happen, as far as the leader knows. */
  | (From & { readonly op: "settle"; readonly attempt: string; readonly sequence?: number });

export type Reply =
  | {
      readonly ok: true;
      /** The actor's state, after the command. */
      readonly state: unknown;
      readonly version: number;
      /** Journal sequence of the actor's newest entry: pass it to the board to see your own write. */
      readonly sequence: number;
      /** The command had been done before; this is the first answer. */
      readonly replayed?: boolean;
    }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly detail: string;
      readonly data?: Readonly<Record<string, unknown>>;
    };

export function failure(
  code: ErrorCode,
  detail: string,
  data?: Readonly<Record<string, unknown>>,
): Reply & { ok: false } {
  return data === undefined ? { ok: false, code, detail } : { ok: false, code, detail, data };
}

export function failureOf(refusal: Refusal): Reply & { ok: false } {
  return failure(refusal.refused, refusal.detail, refusal.data);
}
