import { z } from "zod";

/** A schema with an id becomes a component, and a reference to it. */
export function schemaOf(schema: z.ZodType, io: "input" | "output", components: Record<string, object>): object {
  const {
    $schema: _dialect,
    $defs = {},
    ...json
  } = z.toJSONSchema(schema, { io, target: "draft-2020-12" }) as Record<string, unknown>;
  const relocate = (value: unknown): Record<string, unknown> =>
    JSON.parse(JSON.stringify(value).replaceAll("#/$defs/", "#/components/schemas/"));
  for (const [id, definition] of Object.entries($defs as object)) {
    const { id: _id, ...rest } = relocate(definition);
    components[id] = rest;
  }
  return relocate(json);
}
