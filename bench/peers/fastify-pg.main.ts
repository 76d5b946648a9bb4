/**
 * The usual way to build it: Fastify, a pool of PostgreSQL connections, the incident and its first timeline row in one
 * transaction. Same request, same checks (token, body against a schema), an answer of the same size, and the row is on
 * disk before the answer.
 *
 * In its favour: no foreign key, no index but the primary keys and the incident number, numbers from a sequence, ids that
 * grow, statements prepared once.
 *
 * Environment: DATA_DIR, an empty folder; SECRET, of the tokens (HS256); POOL_SIZE; TRANSACTION: `statements` is BEGIN, two
 * INSERTs and COMMIT, four round trips; `one` is both inserts in one statement, which is a transaction by itself.
 * Prints one line of JSON with its `url` when ready; ends on SIGTERM, or when its standard input is closed.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import pg from "pg";
import { v7 as uuidV7 } from "uuid";
import { type Postgres, startPostgres } from "./postgres.ts";

interface Body {
  readonly type: string;
  readonly category: string;
  readonly title: string;
  readonly priority: number;
  readonly description?: string;
  readonly location?: { readonly lat: number; readonly lon: number };
  readonly address?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
}

interface Claims {
  readonly sub: string;
  readonly agency: string;
  readonly roles: readonly string[];
  readonly exp: number;
}

/** Of 10, 20 and 40 the fastest on two cores, in both ways of writing the transaction. */
const POOL_SIZE = 20;

const tables = `
  CREATE TABLE incidents (
    id uuid PRIMARY KEY, incident_number text NOT NULL UNIQUE, agency_id text NOT NULL, type text NOT NULL,
    category text NOT NULL, priority smallint NOT NULL, status text NOT NULL, title text NOT NULL, description text,
    lat double precision, lon double precision, address jsonb, metadata jsonb NOT NULL, reported_by_id text NOT NULL,
    version integer NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
  CREATE TABLE timeline (
    incident_id uuid NOT NULL, version integer NOT NULL, at timestamptz NOT NULL, type text NOT NULL, by text NOT NULL,
    data jsonb NOT NULL, PRIMARY KEY (incident_id, version));
  CREATE SEQUENCE incident_numbers;`;

const insertIncident = `
  INSERT INTO incidents VALUES ($1, $2 || '-2026-' || lpad(nextval('incident_numbers')::text, 6, '0'), $2, $3, $4, $5, 'new',
    $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)
  RETURNING incident_number`;
const insertBoth = `
  WITH incident AS (${insertIncident}),
  entry AS (INSERT INTO timeline VALUES ($1, 1, $13, 'incident.created', $12, $14))
  SELECT incident_number FROM incident`;
const insertEntry = "INSERT INTO timeline VALUES ($1, 1, $2, 'incident.created', $3, $4)";

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const freeForm = { type: "object", additionalProperties: true };
const nullableText = { type: "string", nullable: true };
const bodySchema = {
  type: "object",
  required: ["type", "category", "title"],
  additionalProperties: false,
  properties: {
    type: { ...text(50), pattern: "^[\\p{L}\\p{N}][\\p{L}\\p{N} _./:-]*$" },
    category: { ...text(50), pattern: "^[\\p{L}\\p{N}][\\p{L}\\p{N} _./:-]*$" },
    title: text(255),
    priority: { type: "integer", minimum: 1, maximum: 5, default: 3 },
    description: text(16_384),
    location: {
      type: "object",
      required: ["lat", "lon"],
      additionalProperties: false,
      properties: {
        lat: { type: "number", minimum: -90, maximum: 90 },
        lon: { type: "number", minimum: -180, maximum: 180 },
      },
    },
    address: freeForm,
    metadata: freeForm,
  },
};
const answerSchema = {
  type: "object",
  properties: {
    id: { type: "string" },
    incidentNumber: { type: "string" },
    agencyId: { type: "string" },
    type: { type: "string" },
    category: { type: "string" },
    priority: { type: "integer" },
    status: { type: "string" },
    title: { type: "string" },
    description: nullableText,
    location: { ...bodySchema.properties.location, nullable: true },
    address: { ...freeForm, nullable: true },
    assignments: { type: "array", items: freeForm },
    parentId: nullableText,
    sourceAlertId: nullableText,
    reportedById: nullableText,
    metadata: freeForm,
    disposition: nullableText,
    version: { type: "integer" },
    createdAt: { type: "string" },
    updatedAt: { type: "string" },
    resolvedAt: nullableText,
    closedAt: nullableText,
  },
};

const { DATA_DIR: folder, SECRET: secret, POOL_SIZE: poolSize, TRANSACTION: transaction } = process.env;
if (folder === undefined || secret === undefined) throw new Error("DATA_DIR and SECRET are needed");
if (transaction !== "statements" && transaction !== "one") throw new Error("TRANSACTION is statements or one");

const postgres: Postgres = await startPostgres(folder);
const pool = new pg.Pool({ ...postgres.connection, max: Number(poolSize ?? POOL_SIZE), idleTimeoutMillis: 0 });
pool.on("error", (error) => console.error(error.message));
await pool.query(tables);

const app = Fastify({ logger: false, bodyLimit: 1_048_576 });

/** As in Tocsin, a token is checked once and then known: the signature would cost more than the rest. */
const known = new Map<string, Claims>();
const KNOWN_MAX = 10_000;

async function authenticate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const authorization = request.headers.authorization ?? "";
  let claims = known.get(authorization);
  if (claims === undefined) {
    claims = verify(authorization.replace(/^Bearer /i, ""));
    if (claims !== undefined && known.size < KNOWN_MAX) known.set(authorization, claims);
  }
  if (claims === undefined || claims.exp * 1_000 < Date.now()) {
    await reply.code(401).send({ error: "unauthenticated" });
  } else if (!claims.roles.some((role) => role === "dispatcher" || role === "supervisor" || role === "admin")) {
    await reply.code(403).send({ error: "forbidden" });
  }
}

function verify(token: string): Claims | undefined {
  const [header = "", payload = "", signature = "", more] = token.split(".");
  const expected = createHmac("sha256", secret ?? "")
    .update(`${header}.${payload}`)
    .digest();
  const given = Buffer.from(signature, "base64url");
  if (more !== undefined || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  if (JSON.parse(Buffer.from(header, "base64url").toString()).alg !== "HS256") return undefined;
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

async function store(values: readonly unknown[]): Promise<string> {
  if (transaction === "one") {
    const { rows } = await pool.query({ name: "one", text: insertBoth, values: [...values] });
    return rows[0].incident_number;
  }
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const { rows } = await client.query({ name: "incident", text: insertIncident, values: values.slice(0, 13) });
    const [id, by, at, data] = [values[0], values[11], values[12], values[13]];
    await client.query({ name: "entry", text: insertEntry, values: [id, at, by, data] });
    await client.query("COMMIT");
    return rows[0].incident_number;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

app.post<{ Body: Body }>(
  "/api/v1/incidents",
  { onRequest: authenticate, schema: { body: bodySchema, response: { 201: answerSchema } } },
  async (request, reply) => {
    const { type, category, title, priority, description = null, location = null, address = null } = request.body;
    const metadata = request.body.metadata ?? {};
    const claims = known.get(request.headers.authorization ?? "");
    const { sub = "", agency = "" } = claims ?? {};
    const id = uuidV7();
    const now = new Date().toISOString();
    const incidentNumber = await store([
      id,
      agency,
      type,
      category,
      priority,
      title,
      description,
      location?.lat ?? null,
      location?.lon ?? null,
      address === null ? null : JSON.stringify(address),
      JSON.stringify(metadata),
      sub,
      now,
      JSON.stringify(request.body),
    ]);
    return reply.code(201).send({
      id,
      incidentNumber,
      agencyId: agency,
      type,
      category,
      priority,
      status: "new",
      title,
      description,
      location,
      address,
      assignments: [],
      parentId: null,
      sourceAlertId: null,
      reportedById: sub,
      metadata,
      disposition: null,
      version: 1,
      createdAt: now,
      updatedAt: now,
      resolvedAt: null,
      closedAt: null,
    });
  },
);

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await app.close();
  await pool.end();
  await postgres.stop();
  process.exit(0);
}
process.on("SIGTERM", stop);
process.stdin.resume().on("end", stop);

const url = await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ url, settings: await settings() }));

/** What the server says of itself, for the report. */
async function settings(): Promise<Record<string, string>> {
  const { rows } = await pool.query(
    "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers')",
  );
  return {
    ...Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
    pool: String(poolSize ?? POOL_SIZE),
  };
}
