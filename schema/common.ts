import { z } from "zod";

/** Limits on what comes from outside, each with a reason. */
export const limits = {
  /** A body larger than this is refused: the largest legitimate one is far smaller. */
  bodyBytes: 1_048_576,
  /** Of any body, before it is known what it should be: far more than any needs, and quickly looked through. */
  body: { depth: 32, values: 50_000, keyCharacters: 256 },
  /** Deeper JSON than this is refused: nothing legitimate nests so far, and depth costs stack. */
  metadataDepth: 8,
  /** Free-form metadata must stay a remark, not a store: it is in every snapshot of the entity. */
  metadataBytes: 16_384,
  metadataKeyCharacters: 100,
  pageItems: 500,
  unitsPerAssign: 50,
} as const;

/**
 * Of every instant that is said, asked for or answered. Nothing of dispatch is outside of these years, and all that keeps an
 * instant can have them: nats-server counts nanoseconds from 1970 in 64 bits (1678 to 2261), PostgreSQL has no year 0.
 */
const YEARS = /^(?:19|20|21)\d\d-/;
/** With nanoseconds and an offset. */
const TIMESTAMP_MAX_CHARACTERS = 35;

export const timestamp = z.iso
  .datetime({ offset: true, error: "a time as in RFC 3339, with an offset or Z: 2026-03-01T14:05:00Z" })
  .regex(YEARS, "a time in the years 1900 to 2199")
  .max(TIMESTAMP_MAX_CHARACTERS)
  .meta({ description: "RFC 3339, in the years 1900 to 2199", examples: ["2026-03-01T14:05:00.000Z"] });

/** Of an entity: how many of its envelopes there are. */
export const entityVersion = z
  .number()
  .int()
  .positive()
  .meta({ examples: [1] });

export const place = z
  .strictObject({
    lat: z
      .number()
      .min(-90)
      .max(90)
      .meta({ description: "degrees north, WGS 84", examples: [37.77] }),
    lon: z
      .number()
      .min(-180)
      .max(180)
      .meta({ description: "degrees east, WGS 84", examples: [-122.42] }),
  })
  .describe("A place in WGS 84 degrees");

/** An agency-defined code such as an incident type: it may end up in a file name, a topic or a chart. */
export const code = z
  .string()
  .min(1)
  .max(50)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} _./:-]*$/u, "letters, digits, blanks and _ . / : - only")
  .meta({ examples: ["structure_fire"] });

function depthOf(value: unknown, limit: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (limit === 0) return 1;
  let deepest = 0;
  for (const part of Object.values(value)) deepest = Math.max(deepest, depthOf(part, limit - 1));
  return deepest + 1;
}

/** Whatever JSON can say. What comes from outside has been looked through before: validating each value again is dear. */
export const json = z.unknown().meta({ id: "Json" });

type FreeForm = Record<string, unknown>;

/** Free-form JSON from outside, bounded in size and depth. Looked at as a whole: nothing is said of each of its values. */
export const freeForm = z
  .unknown()
  .superRefine((value, context) => {
    const message = problemOfFreeForm(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .meta({
    type: "object",
    propertyNames: { type: "string", maxLength: limits.metadataKeyCharacters },
    additionalProperties: {},
  }) as z.ZodType<unknown> as z.ZodType<FreeForm, FreeForm>;

function problemOfFreeForm(value: unknown): string | undefined {
  const { metadataDepth, metadataBytes, metadataKeyCharacters } = limits;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "an object is expected";
  if (depthOf(value, metadataDepth) > metadataDepth) return `at most ${metadataDepth} levels deep`;
  const keys = Object.keys(value);
  if (keys.length > 0 && JSON.stringify(value).length > metadataBytes)
    return `at most ${metadataBytes} characters as JSON`;
  if (keys.some((key) => key.length > metadataKeyCharacters))
    return `names have at most ${metadataKeyCharacters} characters`;
  return;
}

/** One id has one spelling, whatever a client writes: it is part of a subject. */
export const uuid = z
  .uuid()
  .toLowerCase()
  .meta({ description: "UUID", examples: ["0199f1c2-7a40-7c3e-9d57-3b8e5f0a1c22"] });

/** Text without control characters but line breaks and tabs: it is shown on consoles and in logs. */
export const text = (max: number) =>
  z
    .string()
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/, "no control characters")
    .meta({ examples: ["Smoke from the roof"] });

/** What is not to be seen: blanks, and characters that only shape others. */
const ANYTHING_SEEN = /[^\s\p{Cf}]/u;
export const saysSomething = (given: string): boolean => ANYTHING_SEEN.test(given);

/** A text that has to say something to a person: a title, a name, a reason. It is kept as it was said. */
export const said = (max: number) =>
  text(max).min(1, { abort: true }).regex(ANYTHING_SEEN, "more than blanks: it is for people to read");

export const page = {
  limit: z.coerce.number().int().min(1).max(limits.pageItems).default(50).describe("items a page"),
  cursor: z.string().max(200).optional().describe("`next` of the page before"),
};

/** A filter of a query: one value, or several separated by commas. */
export const oneOrMore = <T extends z.ZodType<unknown, string>>(one: T) =>
  z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(one).min(1).max(20))
    .describe("one value, or several separated by commas");

/** A number in a query. */
export const numeric = (min: number, max: number) =>
  z
    .string("a number")
    .regex(/^[+-]?\d{1,9}(?:\.\d{1,17})?$/, "a number")
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** Half way round the earth. */
const RADIUS_MAX_METRES = 20_037_600;

/** A circle in a query. */
export const near = {
  lat: numeric(-90, 90).optional().describe("degrees north, WGS 84; with lon"),
  lon: numeric(-180, 180).optional().describe("degrees east, WGS 84; with lat"),
  radius: numeric(0, RADIUS_MAX_METRES).optional().describe("metres; with lat and lon"),
};

interface Near {
  readonly lat?: number | undefined;
  readonly lon?: number | undefined;
  readonly radius?: number | undefined;
}

export const isWholeNear = ({ lat, lon, radius }: Near): boolean =>
  (lat === undefined) === (lon === undefined) && (radius === undefined || lat !== undefined);
export const NEAR_NEEDS = "lat and lon come together, and radius with them";
