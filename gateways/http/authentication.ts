import { createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../runtime/ports/index.ts";
import { claims, type Principal } from "../../schema/principal.ts";
import { ProblemError } from "./problem.ts";

/** Where tokens are checked against: a shared secret (HS256), a JWKS, or both. */
export interface Keys {
  readonly secret?: Uint8Array;
  readonly jwksUrl?: string;
  readonly issuer?: string;
  readonly audience?: string;
}

interface Verified {
  readonly principal: Principal;
  /** Until then it is known. */
  readonly expiresMs: number;
  /** Until then the token itself is good. */
  readonly tokenExpiresMs: number;
}

/** Checking a signature costs more than all the rest of a request: a token is checked once, and known until it expires. */
const CACHED_TOKENS = 10_000;
/** A token is looked at again after this long, so that a key taken out of the JWKS stops working. */
const CACHED_MS = 60_000;

export class Authenticator {
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #jwks: JWTVerifyGetKey | undefined;
  readonly #verified = new LRUCache<string, Verified>({ max: CACHED_TOKENS });

  constructor(keys: Keys, clock: Clock) {
    if (keys.secret === undefined && keys.jwksUrl === undefined) throw new Error("no key to check tokens with");
    this.#keys = keys;
    this.#clock = clock;
    this.#jwks = keys.jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(keys.jwksUrl));
  }

  /** The principal of a token that was checked before: the way of all requests but the first. */
  known(authorization: string): Principal | undefined {
    const verified = this.#verified.get(authorization);
    return verified !== undefined && this.#clock.now() < verified.expiresMs ? verified.principal : undefined;
  }

  /** @throws ProblemError `unauthenticated`, saying why */
  async check(authorization: string): Promise<Principal> {
    return (await this.#check(authorization)).principal;
  }

  /** For who stays: with the time by which a fresh token is needed. @throws ProblemError `unauthenticated`, saying why */
  async session(authorization: string): Promise<{ readonly principal: Principal; readonly expiresMs: number }> {
    const { principal, tokenExpiresMs } = await this.#check(authorization);
    return { principal, expiresMs: tokenExpiresMs };
  }

  async #check(authorization: string): Promise<Verified> {
    const [scheme, token, more] = authorization.split(" ");
    if (scheme?.toLowerCase() !== "bearer" || token === undefined || more !== undefined) {
      throw new ProblemError("unauthenticated", "send a token: Authorization: Bearer <JWT>");
    }
    const payload = await this.#verify(token);
    const checked = claims.safeParse(payload);
    if (!checked.success) {
      throw new ProblemError("unauthenticated", `the token's claims do not fit: ${checked.error.issues[0]?.message}`);
    }
    const { sub, agency, roles, resource, unlimited } = checked.data;
    const principal: Principal = {
      subject: sub,
      agencies: typeof agency === "string" ? [agency] : agency,
      roles,
      ...(resource === undefined ? {} : { resourceId: resource }),
      ...(unlimited === undefined ? {} : { unlimited }),
    };
    if (sub.startsWith("system:")) throw new ProblemError("unauthenticated", "this subject is the system's own");
    const tokenExpiresMs = (payload.exp ?? Number.POSITIVE_INFINITY) * 1_000;
    const expiresMs = Math.min(tokenExpiresMs, this.#clock.now() + CACHED_MS);
    const verified = { principal, expiresMs, tokenExpiresMs };
    this.#verified.set(authorization, verified);
    return verified;
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { secret, issuer, audience } = this.#keys;
    const expected = {
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
      currentDate: new Date(this.#clock.now()),
    };
    try {
      if (secret !== undefined && isSymmetric(token)) {
        return (await jwtVerify(token, secret, { ...expected, algorithms: ["HS256"] })).payload;
      }
      if (this.#jwks !== undefined) {
        const algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
        return (await jwtVerify(token, this.#jwks, { ...expected, algorithms })).payload;
      }
    } catch (error) {
      throw new ProblemError(
        "unauthenticated",
        `the token is not valid: ${error instanceof Error ? error.message : error}`,
      );
    }
    throw new ProblemError("unauthenticated", "the token is signed by a method that this server does not accept");
  }
}

function isSymmetric(token: string): boolean {
  try {
    const header = JSON.parse(Buffer.from(token.slice(0, token.indexOf(".")), "base64url").toString());
    return typeof header.alg === "string" && header.alg.startsWith("HS");
  } catch {
    return false;
  }
}
