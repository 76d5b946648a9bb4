import { z } from "zod";

/** The version of the envelope's layout. A newer layout comes with an upcaster from this one, and a golden test. */
export const ENVELOPE_VERSION = 1;

/** `prev` of an actor's first envelope. */
export const CHAIN_START = "";

/** What one accepted command did to one actor: one message on the actor's subject in the journal. */
export interface Envelope<Event extends { readonly type: string } = { readonly type: string }> {
  readonly v: number;
  readonly kind: string;
  readonly id: string;
  readonly agency: string;
  /** 1 for the actor's first envelope, then counting without a gap. */
  readonly version: number;
  /** The command that caused it. All envelopes of one atomic commit share it. */
  readonly commandId: string;
  /** Hash of the request, where its sender may repeat it under the same id. */
  readonly fingerprint?: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Who asked: the token's subject, or `system:…` for what the system did unasked. */
  readonly by: string;
  /** What led to the command, where it was not a principal: the id of another command, or of a deadline. */
  readonly cause?: string;
  /** Base64url SHA-256 of the previous envelope of this actor, byte for byte; `CHAIN_START` for the first. */
  readonly prev: string;
  readonly events: readonly Event[];
}

const envelopeShape = z.object({
  v: z.literal(ENVELOPE_VERSION),
  kind: z.string(),
  id: z.string(),
  agency: z.string(),
  version: z.number().int().positive(),
  commandId: z.string(),
  fingerprint: z.string().optional(),
  at: z.string(),
  by: z.string(),
  cause: z.string().optional(),
  prev: z.string(),
  events: z.array(z.looseObject({ type: z.string() })),
});

/**
 * Reads one journal message.
 * @throws when the text is no envelope of a known version; the journal is ours, so that is a defect or tampering.
 */
export function parseEnvelope(text: string): Envelope {
  return envelopeShape.parse(JSON.parse(text)) as Envelope;
}
