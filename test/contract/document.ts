import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { openApi } from "../../schema/openapi.ts";
import { type OperationId, type Route, routes } from "../../schema/routes.ts";

/** The part of JSON Schema that the document is written in. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly minimum?: number;
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

export interface Document {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** As the routes and schemas say; that a server tells the same is shown in openapi.test.ts. */
export const document = openApi("tested") as Document;

/** Those that take a token. What comes with a source's own credential is shown where that is. */
export const operations = Object.entries<Route>(routes)
  .filter(([, { credential }]) => credential === undefined)
  .map(([id, route]) => ({ id: id as OperationId, route }));

export function documented(id: OperationId): Operation {
  const { path, method } = routes[id] as Route;
  const operation = document.paths[path]?.[method];
  if (operation === undefined) throw new Error(`${id} is not in the OpenAPI document: schema/openapi.ts leaves it out`);
  return operation;
}

export function parametersOf(id: OperationId, place: Parameter["in"]): readonly Parameter[] {
  return documented(id).parameters.filter((parameter) => parameter.in === place);
}

export const statusesOf = (id: OperationId): readonly number[] => Object.keys(documented(id).responses).map(Number);

/** Refuses what it does not know: a keyword with a spelling mistake would check nothing. */
export function validatorOf(schema: Schema, { components }: Document = document): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
  // The package is CommonJS: its types take what it exports for a namespace.
  (addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
  const alone = JSON.stringify({ $defs: components.schemas, ...schema });
  return ajv.compile(JSON.parse(alone.replaceAll("#/components/schemas/", "#/$defs/")));
}

const compiled = new Map<string, ValidateFunction>();

/** What is wrong with an answer by the document; undefined: nothing. */
export function flawOf(
  id: OperationId,
  { status, headers, body, text }: { status: number; headers: object; body: unknown; text: string },
): string | undefined {
  const response = documented(id).responses[status];
  if (response === undefined) return `${id} answers ${status}, which it does not document: ${text.slice(0, 400)}`;
  // What comes before the server has understood a request may be promised without saying what it looks like.
  if (response.content === undefined) return;
  const [contentType = ""] = Object.keys(response.content);
  const given = (headers as Record<string, unknown>)["content-type"];
  if (given !== contentType) return `${id} answers ${status} as ${given}, and documents it as ${contentType}`;
  const { schema } = response.content[contentType]!;
  // Many answers are of the same schema: it is compiled once.
  const key = JSON.stringify(schema);
  const validate = compiled.get(key) ?? validatorOf(schema);
  compiled.set(key, validate);
  if (validate(body)) return;
  const flaws = validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`).join("; ");
  return `${id}'s ${status} is not as documented: ${flaws}: ${text.slice(0, 400)}`;
}

export function resolved(schema: Schema): Schema {
  let at = schema;
  while (at.$ref !== undefined) {
    const name = at.$ref.replace("#/components/schemas/", "");
    const next = document.components.schemas[name];
    if (next === undefined || next === at) throw new Error(`${at.$ref} leads nowhere in the OpenAPI document`);
    at = next;
  }
  return at;
}
