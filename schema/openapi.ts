import { z } from "zod";
import { type ErrorCode, errorKinds } from "./errors.ts";
import { schemaOf } from "./json-schema.ts";
import { pathParameters, type Route, routes, takes } from "./routes.ts";

const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.enum(Object.keys(errorKinds) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    issues: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    allowed: z.array(z.string()).optional(),
  })
  .meta({ id: "Problem" });

const always: readonly ErrorCode[] = [
  "unauthenticated",
  "forbidden",
  "rate_limited",
  "no_host",
  "internal",
  "headers_too_large",
];
const withBody: readonly ErrorCode[] = ["malformed_json", "invalid_body", "body_too_large", "unsupported_media_type"];

/** The OpenAPI 3.1 document, made from the route table and the schemas that also validate. */
export function openApi(version: string): object {
  const components: Record<string, object> = {};
  const paths: Record<string, Record<string, object>> = {};
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    paths[route.path] ??= {};
    paths[route.path]![route.method] = {
      operationId,
      summary: route.summary,
      tags: [route.tag],
      parameters: [...inPath(route), ...queryParameters(route), ...headerParameters(route)],
      ...(route.body === undefined
        ? {}
        : {
            requestBody: {
              required: true,
              content: contentOf(route.bodyTypes, schemaOf(route.body, "input", components)),
            },
          }),
      responses: responsesOf(route, components),
      security: route.credential === undefined ? [{ bearer: [] }] : [],
      "x-roles": route.roles,
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Tocsin", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      schemas: components,
    },
  };
}

function contentOf(types: readonly string[] = ["application/json"], schema: object): object {
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function inPath({ path }: Route): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: {
      ...z.toJSONSchema(pathParameters[name as keyof typeof pathParameters], { io: "input" }),
      $schema: undefined,
    },
  }));
}

function queryParameters({ query }: Route): object[] {
  if (!(query instanceof z.ZodObject)) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" }) as {
    properties?: Record<string, object>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

function headerParameters(route: Route): object[] {
  const header = (name: string, description: string, more: object = {}) => ({
    name,
    in: "header",
    schema: { type: "string", ...more },
    description,
  });
  return [
    ...(takes.sequence(route) ? [header("Tocsin-Sequence", "answer only once the list shows this write")] : []),
    ...(takes.idempotencyKey(route)
      ? [header("Idempotency-Key", "a repeat gets the first answer", { maxLength: 200 })]
      : []),
    ...(takes.ifMatch(route) ? [header("If-Match", "the ETag that was read: 412 if it changed since")] : []),
  ];
}

function responsesOf(route: Route, components: Record<string, object>): object {
  const codes = new Set<ErrorCode>([
    ...always,
    ...(route.body === undefined ? [] : withBody),
    ...(route.query === undefined ? [] : (["invalid_query"] as const)),
    ...(takes.ifMatch(route) ? (["version_mismatch"] as const) : []),
    ...(takes.idempotencyKey(route) && route.body !== undefined ? (["idempotency_key_reused"] as const) : []),
    ...(route.path.includes("{") ? (["not_found"] as const) : []),
    ...(takes.idempotencyKey(route) || takes.sequence(route) ? (["bad_request"] as const) : []),
    ...route.refusals,
  ]);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes)
    byStatus.set(errorKinds[code].status, [...(byStatus.get(errorKinds[code].status) ?? []), code]);
  const failure = { "application/problem+json": { schema: schemaOf(problem, "output", components) } };
  const responses: Record<string, object> = {
    [route.status]: {
      description: "Done",
      content: {
        "application/json": { schema: schemaOf(route.answer, "output", components) },
        ...(route.csv === true ? { "text/csv": { schema: { type: "string" } } } : {}),
      },
    },
  };
  for (const [status, named] of [...byStatus].sort(([a], [b]) => a - b)) {
    responses[status] = {
      description: named.map((code) => `${errorKinds[code].title} (\`${code}\`)`).join("; "),
      // What never reaches us is answered by the HTTP server itself, in its own words.
      ...(named.includes("headers_too_large") ? {} : { content: failure }),
    };
  }
  return responses;
}
