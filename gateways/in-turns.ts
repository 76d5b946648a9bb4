import type { z } from "zod";

/** Items looked at in a turn: a tenth of a millisecond or so. */
const PART = 40;

/** The list in a body that may be long. */
export interface LongList {
  readonly member: string;
  /** Items; a longer one does not fit the schema. */
  readonly most: number;
}

/** Worth it: a short one is looked at as a whole. */
export function isLong({ member, most }: LongList, given: unknown): boolean {
  const items = (given as Readonly<Record<string, unknown>> | null | undefined)?.[member];
  return Array.isArray(items) && items.length > PART && items.length <= most;
}

/**
 * Validates a body with a long list part by part, so that others get their turn meanwhile. Nothing in the schema may depend
 * on more than one of the list's items.
 * @returns undefined for a body that has to be looked at as a whole: it is short, or something about it is wrong
 */
export async function parsedInTurns(
  schema: z.ZodType,
  list: LongList,
  given: unknown,
  othersTurn: () => Promise<void>,
): Promise<object | undefined> {
  if (!isLong(list, given)) return;
  const { member } = list;
  const body = given as Readonly<Record<string, readonly unknown[]>>;
  const items = body[member]!;
  const parts: object[] = [];
  for (let from = 0; from < items.length; from += PART) {
    if (from > 0) await othersTurn();
    const parsed = schema.safeParse({ ...body, [member]: items.slice(from, from + PART) });
    if (!parsed.success) return;
    parts.push(parsed.data as object);
  }
  const all = parts.flatMap((part) => (part as Readonly<Record<string, readonly unknown[]>>)[member]!);
  return { ...parts[0], [member]: all };
}
