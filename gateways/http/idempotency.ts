import { hash } from "node:crypto";
import type { Ports } from "../../runtime/ports/index.ts";
import type { Principal } from "../../schema/principal.ts";
import { ProblemError } from "./problem.ts";

/** What a repeated request is known by. */
export interface RequestIdentity {
  readonly commandId: string;
  readonly fingerprint: string;
}

const KEY = /^[\x21-\x7e]{1,200}$/;

/** A key belongs to its principal and to the place it was sent to. */
export function identityOf(
  key: string,
  principal: Principal,
  path: string,
  body: Uint8Array,
): RequestIdentity | undefined {
  if (key === "") return;
  if (!KEY.test(key)) throw new ProblemError("bad_request", "Idempotency-Key: 1 to 200 visible ASCII characters");
  const commandId = digest(principal.subject, key, path).slice(0, 32);
  return { commandId, fingerprint: digest(path, body).slice(0, 16) };
}

function digest(...parts: readonly (string | Uint8Array)[]): string {
  const bytes = parts.flatMap((part) => [Buffer.from(`${part.length}:`), Buffer.from(part)]);
  return hash("sha256", Buffer.concat(bytes), "base64url");
}

/**
 * What a creation made up: kept under its key before anything else is done, so that a repetition, however late and through
 * whichever gateway, means the same entity.
 */
export async function rememberCreation<Made>(
  ports: Ports,
  { commandId, fingerprint }: RequestIdentity,
  make: () => Promise<Made>,
): Promise<{ readonly made: Made; readonly first: boolean }> {
  const key = commandId;
  const known = await ports.requests.get(key);
  if (known === undefined) {
    const made = await make();
    const put = { key, value: JSON.stringify({ fingerprint, made }), expectedRevision: 0 };
    if ((await ports.requests.put([put])).ok) return { made, first: true };
    return rememberCreation(ports, { commandId, fingerprint }, make);
  }
  const before = JSON.parse(known.value) as { fingerprint: string; made: Made };
  if (before.fingerprint !== fingerprint) {
    throw new ProblemError("idempotency_key_reused", "the same Idempotency-Key came with another body before");
  }
  return { made: before.made, first: false };
}
