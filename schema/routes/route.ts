import { z } from "zod";
import { json, timestamp, uuid } from "../common.ts";
import type { ErrorCode } from "../errors.ts";
import { agencyId, type Role } from "../principal.ts";
import { resourceTypes } from "../resource.ts";

export interface Route {
  readonly method: "get" | "post" | "patch" | "put" | "delete";
  /** Parameters in braces, as in OpenAPI; each is one of `pathParameters`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Who may; any principal with one of these roles. */
  readonly roles: readonly Role[];
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  readonly status: 200 | 201 | 202;
  readonly answer: z.ZodType;
  /** What a body may be sent as; left out: JSON. */
  readonly bodyTypes?: readonly string[];
  /** It comes with a source's own credential instead of a token. */
  readonly credential?: "source";
  /** A 202 that an Idempotency-Key means something to all the same. */
  readonly repeatable?: boolean;
  /** Answers its `items` as CSV, too, where that is asked for. */
  readonly csv?: true;
  /** Refusals beside those that every route may answer. */
  readonly refusals: readonly ErrorCode[];
  /** The list of the body that may be long: it is validated part by part, while others get their turn. */
  readonly longList?: { readonly member: string; readonly most: number };
  /** Nothing changes by it, whatever its method. */
  readonly looksOnly?: boolean;
}

/** Which of the headers that some requests have mean something to a route; the others are not looked at. */
export const takes = {
  /** A write may be repeated under its key. Telemetry needs none: a fix that comes again is refused as a duplicate. */
  idempotencyKey: ({ method, status, repeatable = false, looksOnly = false }: Route) =>
    method !== "get" && (status !== 202 || repeatable) && !looksOnly,
  /** What changes an entity that was read before. */
  ifMatch: ({ method, status, looksOnly = false }: Route) => method !== "get" && status === 200 && !looksOnly,
  /** What is answered from the board. */
  sequence: ({ refusals }: Route) => refusals.includes("board_behind"),
} as const;

/** What may stand in a path. Whatever does not fit is not found. */
export const pathParameters = {
  id: uuid,
  source: uuid,
  otherId: uuid,
  messageId: uuid,
  agency: agencyId,
  type: z.enum(resourceTypes),
  revision: z
    .string()
    .regex(/^(?:0|[1-9]\d{0,5})$/)
    .meta({ description: "A revision's number", examples: ["0"] }),
} as const satisfies Record<string, z.ZodType<string>>;

export const anyone: readonly Role[] = ["dispatcher", "responder", "supervisor", "admin"];
export const dispatch: readonly Role[] = ["dispatcher", "supervisor", "admin"];
export const supervision: readonly Role[] = ["supervisor", "admin"];
export const crew: readonly Role[] = ["dispatcher", "responder", "supervisor", "admin", "device"];

export const listOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z
      .string()
      .nullable()
      .describe("`cursor` of the next page, also after a page of fewer items; null at the end"),
    complete: z.boolean().describe("false when older items could not be searched just now"),
  });

export const timeline = z.strictObject({
  items: z.array(
    z.strictObject({
      sequence: z.number().int(),
      at: timestamp,
      type: z.string(),
      by: z.string(),
      cause: z.string().optional().describe("what led to it, where it was not a principal's own request"),
      data: z.record(z.string(), json),
    }),
  ),
  next: z.string().nullable(),
});

export const timelineQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100).describe("entries of the journal a page"),
  cursor: z.string().max(200).optional().describe("`next` of the page before"),
});
