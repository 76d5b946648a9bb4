import type { AlertSource } from "./alert.ts";

/** A device that should be heard of again and again: what is expected of it, and whether it keeps to that. */
export interface Heart {
  readonly agencyId: string;
  readonly source: AlertSource;
  /** null: the source itself, whichever device it speaks of. */
  readonly deviceId: string | null;
  /** After so long without a word it is silent. */
  readonly silentAfterMs: number;
}

export type HeartbeatCommand =
  /** It was heard of, at this moment of the intake's clock. */
  | { readonly type: "beat"; readonly heart: Heart; readonly at: string }
  | { readonly type: "wake"; readonly due: string }
  /** The alert of its silence, or of its end, is kept. */
  | { readonly type: "told"; readonly about: "silent" | "returned"; readonly since: string };

export type HeartbeatEvent =
  | { readonly type: "heartbeat.heard"; readonly heart: Heart; readonly at: string }
  | { readonly type: "heartbeat.silent"; readonly since: string }
  | { readonly type: "heartbeat.returned"; readonly heart: Heart; readonly at: string }
  /** Nobody has said yet that it was told: once more. */
  | { readonly type: "heartbeat.due" }
  | { readonly type: "heartbeat.told" };
