import { createHmac, randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SignJWT } from "jose";
import type { Keys } from "../../gateways/http/authentication.ts";
import { roles } from "../../schema/principal.ts";
import { type Configuration, isLoopback } from "./configuration.ts";
import { makeFolder } from "./folder.ts";

const SECRET_MIN_BYTES = 32;

/**
 * The keys that tokens are checked with. On loopback a secret is made where none is given.
 * @throws when the server would listen beyond loopback without keys of its own
 */
export function keysOf(configuration: Configuration): Keys {
  const { DATA_DIR, JWT_SECRET_FILE, JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, HOST } = configuration;
  const given = {
    ...(JWKS_URL === undefined ? {} : { jwksUrl: JWKS_URL }),
    ...(JWT_ISSUER === undefined ? {} : { issuer: JWT_ISSUER }),
    ...(JWT_AUDIENCE === undefined ? {} : { audience: JWT_AUDIENCE }),
  };
  if (JWT_SECRET_FILE !== undefined) {
    return { ...given, secret: longEnough(JWT_SECRET_FILE) };
  }
  if (JWKS_URL !== undefined && !isLoopback(HOST)) return given;
  if (!isLoopback(HOST)) {
    throw new Error(
      `to listen on ${HOST}, beyond this machine, set JWT_SECRET_FILE or JWKS_URL: nothing is open there`,
    );
  }
  return { ...given, secret: made(join(DATA_DIR, "jwt.secret")) };
}

/**
 * The key that the secrets of alert sources follow from, which all hosts of a cluster must share: a file's, or one that
 * follows from the secret that tokens are signed with. A lone node without either makes its own.
 */
export function sourcesKeyOf({ SOURCES_KEY_FILE, DATA_DIR }: Configuration, { secret }: Keys): Uint8Array {
  if (SOURCES_KEY_FILE !== undefined) return longEnough(SOURCES_KEY_FILE);
  if (secret !== undefined) return createHmac("sha256", secret).update("tocsin alert sources").digest();
  return made(join(DATA_DIR, "sources.key"));
}

function longEnough(file: string): Buffer {
  const secret = readFileSync(file);
  if (secret.length < SECRET_MIN_BYTES) throw new Error(`${file}: the secret has fewer than ${SECRET_MIN_BYTES} bytes`);
  return secret;
}

function made(file: string): Buffer {
  makeFolder(dirname(file));
  if (!existsSync(file)) writeFileSync(file, randomBytes(SECRET_MIN_BYTES).toString("base64url"), { mode: 0o600 });
  return readFileSync(file);
}

/**
 * Writes the embedded default's admin token, mode 600: the same at every start, as long as the secret is.
 * @returns its path, or undefined where tokens come from elsewhere
 */
export async function writeAdminToken(
  { secret, issuer, audience }: Keys,
  { DATA_DIR, AGENCY }: Configuration,
): Promise<string | undefined> {
  if (secret === undefined) return;
  const token = new SignJWT({ agency: AGENCY, roles: [...roles], unlimited: true })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("admin");
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  const file = join(DATA_DIR, "admin.token");
  writeFileSync(file, `${await token.sign(secret)}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return file;
}
