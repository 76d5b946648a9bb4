import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ErrorCode, errorKinds } from "../../schema/errors.ts";
import { roles } from "../../schema/principal.ts";
import { type OperationId, type Route, routes } from "../../schema/routes.ts";
import { TestServer } from "../support/server.ts";
import { idPlaces, meaningOf, overwritten, type Parts, TOO_LARGE, validCall, validCallWith, World } from "./calls.ts";
import {
  type Document,
  document,
  flawOf,
  operations,
  parametersOf,
  type Schema,
  statusesOf,
  validatorOf,
} from "./document.ts";
import type { Answer } from "./wire.ts";

const NOBODY = "01a20c40-0000-7000-8000-000000000000";

let server: TestServer;
beforeAll(async () => {
  // One a second, for whoever is not exempt by its token: so that the limit can be met, too.
  server = await TestServer.withArchive({ RATE_LIMIT_PER_SECOND: "1" });
});
afterAll(() => server.stop());

let worlds = 0;

/** An agency for each test: what one configures does not bind another. */
const newWorld = () => World.of(server, `agency-${++worlds}`);

describe("the document", () => {
  it("is what is committed, to the byte", async () => {
    const committed = readFileSync(new URL("../../schema/generated/openapi.json", import.meta.url), "utf8");
    const { status, body } = await server.get("/openapi.json");
    expect(status).toBe(200);
    expect(`${JSON.stringify(body, null, 2)}\n`).toBe(committed);
  });

  it("is the one that these tests are made from, but for its version", async () => {
    const { body } = await server.get("/openapi.json");
    expect(body).toEqual({ ...document, info: { ...document.info, version: body.info.version } });
  });

  it("has every operation of the route table, and no other", async () => {
    const { paths } = (await server.get("/openapi.json")).body as Document;
    const told = Object.entries(paths).flatMap(([path, byMethod]) =>
      Object.entries(byMethod).map(([method, { operationId }]) => `${operationId}: ${method} ${path}`),
    );
    const all = Object.entries<Route>(routes).map(([id, { method, path: at }]) => `${id}: ${method} ${at}`);
    expect(told.sort()).toEqual(all.sort());
  });

  it("has no reference that leads nowhere, and no component that is only a reference to itself", async () => {
    const { body } = await server.get("/openapi.json");
    const { schemas } = (body as Document).components;
    const references = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]*)"/g)].map(([, reference = ""]) => reference);
    expect(references.length).toBeGreaterThan(operations.length);
    const known = new Set(Object.keys(schemas).map((name) => `#/components/schemas/${name}`));
    expect(references.filter((reference) => !known.has(reference))).toEqual([]);
    const circles = Object.keys(schemas).filter((name) => endsNowhere(name, schemas));
    expect(circles).toEqual([]);
  });

  it("has schemas alone that a validator of JSON Schema 2020-12 takes, each as strict as it may be", async () => {
    const { body } = await server.get("/openapi.json");
    const schemas = schemasOf(body);
    expect(schemas.size).toBeGreaterThan(3 * operations.length);
    const refused: string[] = [];
    const known = new Set<string>();
    for (const [place, schema] of schemas) {
      const text = JSON.stringify(schema);
      if (known.has(text)) continue;
      known.add(text);
      try {
        validatorOf(schema, body);
      } catch (error) {
        refused.push(`${place}: ${error instanceof Error ? error.message : error}`);
      }
    }
    expect(refused).toEqual([]);
  });
});

/** Following nothing but references from a component leads back to where one was. */
function endsNowhere(name: string, schemas: Readonly<Record<string, Schema>>): boolean {
  const seen = new Set<string>();
  for (let at: string | undefined = name; at !== undefined; ) {
    if (seen.has(at)) return true;
    seen.add(at);
    at = schemas[at]?.$ref?.replace("#/components/schemas/", "");
  }
  return false;
}

/** Every schema of the document, by where it stands. */
function schemasOf({ paths, components }: Document): Map<string, Schema> {
  const schemas = new Map(Object.entries(components.schemas));
  for (const [path, byMethod] of Object.entries(paths)) {
    for (const [method, { parameters, requestBody, responses }] of Object.entries(byMethod)) {
      for (const { name, schema } of parameters) schemas.set(`${method} ${path} ${name}`, schema);
      for (const [what, content] of Object.entries({ body: requestBody, ...responses })) {
        for (const [type, { schema }] of Object.entries(content?.content ?? {})) {
          schemas.set(`${method} ${path} ${what} ${type}`, schema);
        }
      }
    }
  }
  return schemas;
}

describe.concurrent.each(operations.map(({ id, route }) => [id, route] as const))("%s", (id, route) => {
  it(`answers ${route.status} to a valid request, as documented`, async () => {
    const world = await newWorld();
    const call = await validCall(world, id);
    const answer = await world.send(id, call);
    expect(
      answer.status,
      `the request made for ${id} from its schema is refused; say in \`recipes\` of calls.ts what it takes: ` +
        `${JSON.stringify(call)} → ${answer.text}`,
    ).toBe(route.status);
    expect(flawOf(id, answer)).toBeUndefined();
  });

  const parameters = parametersOf(id, "query").filter(({ name }) => name !== "");
  if (parameters.length > 0)
    it("says of each parameter of its query whether it must be there", async () => {
      const world = await newWorld();
      const { path, query } = await validCall(world, id);
      const needed: string[] = [];
      for (const name of Object.keys(query)) {
        const { [name]: _left, ...rest } = query;
        if ((await world.send(id, { path, query: rest })).status === 422) needed.push(name);
      }
      expect(parameters.filter(({ required }) => required === true).map(({ name }) => name)).toEqual(needed);
    });

  const provocations = provocationsOf(id, route).map(
    (one) => [`${one.status} ${one.code} to ${one.what}`, one] as const,
  );
  it.each(provocations)("answers %s, as documented", async (_title, { status, code, send }) => {
    const answer = await send();
    expect(answer.status, answer.text).toBe(status);
    expect(flawOf(id, answer)).toBeUndefined();
    if (!undescribed.has(code)) expect(answer.body).toMatchObject({ status, code, requestId: expect.any(String) });
  });

  const unnamed = ["If-Match", "Tocsin-Sequence", "Idempotency-Key"].filter(
    (name) => !parametersOf(id, "header").some((parameter) => parameter.name === name),
  );
  it.each(unnamed)("does not mind %s, of which it says nothing", async (name) => {
    const world = await newWorld();
    const answer = await world.send(id, await validCall(world, id), { [name]: "not one of ours" });
    expect(answer.status, answer.text).toBe(route.status);
  });

  it("documents no refusal that nobody knows how to provoke", () => {
    const provoked = new Set(provocationsOf(id, route).map(({ status }) => status));
    // What depends on the state of entities or on failures is shown where those are tested.
    const others = new Set([route.status, 409, 500, 503]);
    // Where every role is let in, only what is asked of whom can be forbidden.
    if (roles.every((role) => route.roles.includes(role))) others.add(403);
    const left = statusesOf(id).filter((status) => !provoked.has(status) && !others.has(status));
    expect(left, `add to \`provocationsOf\` how ${id} comes to answer this`).toEqual([]);
  });
});

/** Headers that are too many are refused before there is a request that could be answered in our words. */
const undescribed: ReadonlySet<ErrorCode> = new Set(["headers_too_large"]);

interface Provocation {
  readonly what: string;
  readonly code: ErrorCode;
  readonly status: number;
  readonly send: () => Promise<Answer>;
}

/** What each operation can be brought to refuse, whatever it does. */
function provocationsOf(id: OperationId, route: Route): readonly Provocation[] {
  const found: Provocation[] = [];
  const provoke = (code: ErrorCode, what: string, send: (world: World) => Promise<Answer>) =>
    found.push({ code, what, status: errorKinds[code].status, send: async () => send(await newWorld()) });
  const changed = (change: (call: Parts) => Parts, headers: Readonly<Record<string, string>> = {}) => {
    return async (world: World) => world.send(id, change(await validCall(world, id)), headers);
  };
  const withHeaders = (headers: Readonly<Record<string, string>>) => changed((call) => call, headers);
  const withBody = (body: string, headers: Readonly<Record<string, string>> = {}) => {
    return async (world: World) => world.sendAs(id, { ...(await validCall(world, id)), query: "", body }, headers);
  };

  provoke("unauthenticated", "a request without a token", withHeaders({ authorization: "" }));
  const [stranger] = roles.filter((role) => !route.roles.includes(role));
  if (stranger !== undefined) {
    provoke("forbidden", `a ${stranger}`, async (world) => {
      const call = await validCall(world, id);
      return (await World.of(server, world.agency, { as: [stranger] })).send(id, call);
    });
  }
  provoke("rate_limited", "one request too many", async (world) => {
    const call = await validCall(world, id);
    const limited = await World.of(server, world.agency, { claims: { sub: `${id}-hasty`, unlimited: false } });
    const answers = await Promise.all(Array.from({ length: 4 }, () => limited.send(id, call)));
    return answers.find(({ status }) => status === 429) ?? answers[0]!;
  });
  provoke("headers_too_large", "headers that are too large", withHeaders({ "x-much": "x".repeat(2_000_000) }));

  // Of bodies only those of routes that may answer 404 though nothing in their path is looked for.
  const isLookedFor = route.refusals.includes("not_found") && !route.path.includes("{");
  for (const place of idPlaces(id).filter(({ part }) => part !== "body" || isLookedFor)) {
    // A filter that nothing fits finds nothing, and what is to be taken away may be gone already.
    const isFilter = place.part === "query" && !route.refusals.includes("not_found");
    const isTakenAway = route.method === "delete" && route.path.endsWith(`{${place.name}}`);
    if (isFilter || isTakenAway || meaningOf(id, place.name) === "agency") continue;
    provoke("not_found", `an id in "${place.name}" that there is not`, async (world) =>
      world.send(id, overwritten(await validCallWith(world, id, place), place, NOBODY)),
    );
  }
  for (const { name } of parametersOf(id, "path")) {
    provoke(
      "not_found",
      `nonsense for "${name}" in its path`,
      changed((call) => ({ ...call, path: { ...call.path, [name]: "non.sense" } })),
    );
  }
  if (route.query !== undefined) {
    provoke(
      "invalid_query",
      "a parameter that it does not have",
      changed((call) => ({ ...call, query: { ...call.query, unheardOf: "1" } })),
    );
  }
  if (route.body !== undefined) {
    provoke("malformed_json", "a body that breaks off", withBody("{"));
    provoke("body_too_large", "a body of more than 1 MiB", withBody(TOO_LARGE));
    provoke("unsupported_media_type", "a body of another type", withBody("{}", { "content-type": "text/plain" }));
    provoke("invalid_body", "a body that is no object", withBody("null"));
    provoke(
      "invalid_body",
      "a field that it does not have",
      changed((call) => ({ ...call, body: { ...(call.body as object), unheardOf: 1 } })),
    );
  }
  const headers = parametersOf(id, "header").map(({ name }) => name);
  if (headers.includes("If-Match") || statusesOf(id).includes(412)) {
    provoke("version_mismatch", "an If-Match that is stale", withHeaders({ "if-match": '"999"' }));
    provoke("bad_request", "an If-Match that is no ETag", withHeaders({ "if-match": "three" }));
  }
  if (headers.includes("Tocsin-Sequence")) {
    provoke("board_behind", "a Tocsin-Sequence yet to come", withHeaders({ "tocsin-sequence": "999999999" }));
    provoke("bad_request", "a Tocsin-Sequence that is no number", withHeaders({ "tocsin-sequence": "x" }));
  }
  if (headers.includes("Idempotency-Key")) {
    provoke("bad_request", "an Idempotency-Key with a blank", withHeaders({ "idempotency-key": "a b" }));
    if (route.body !== undefined) {
      provoke("idempotency_key_reused", "an Idempotency-Key that was another request's", async (world) => {
        const key = { "idempotency-key": "reused" };
        const call = await validCall(world, id);
        await world.send(id, call, key);
        return world.sendAs(id, { ...call, query: "", body: `${JSON.stringify(call.body)} ` }, key);
      });
    }
  }
  return found;
}

const SECTIONS = "/api/v1/configuration/";

const repeatable = operations
  .filter(({ id }) => parametersOf(id, "header").some(({ name }) => name === "Idempotency-Key"))
  .map(({ id, route }) => [id, route] as const);
it.each(repeatable)("%s gives a repeat under the same Idempotency-Key the first answer", async (id, route) => {
  const world = await newWorld();
  const call = await validCall(world, id);
  const key = { "idempotency-key": "repeated", "x-request-id": "repeated" };
  const first = await world.send(id, call, key);
  expect(first.status, first.text).toBe(route.status);
  const again = await world.send(id, call, key);
  expect({ status: again.status, text: again.text }).toEqual({ status: first.status, text: first.text });
});

const replacing = repeatable.filter(([, { method, path }]) => method === "put" && path.startsWith(SECTIONS));
it.each(replacing)("%s keeps to that also where the first request found nothing to change", async (id, route) => {
  const world = await newWorld();
  const call = await validCall(world, id);
  await world.done(id, call);
  const key = { "idempotency-key": "nothing", "x-request-id": "nothing" };
  const first = await world.send(id, call, key);
  expect(first.status, first.text).toBe(route.status);
  await world.done(id, { ...call, body: { items: [] } });
  const again = await world.send(id, call, key);
  expect(again.status).toBe(route.status);
  const now = await world.send(id, { ...call, body: { items: [] } });
  expect(now.body.version, "the repeat has undone what was configured since").toBe(first.body.version + 1);
});
