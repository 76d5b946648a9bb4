import { z } from "zod";
import { page, timestamp, uuid } from "./common.ts";
import { agencyId, roles } from "./principal.ts";

/** Somebody who has a live connection, by whichever gateway. */
export const present = z
  .strictObject({
    subject: z.string().describe("a principal: the `sub` of its token"),
    roles: z.array(z.enum(roles)),
    resourceId: uuid.nullable().describe("the resource that it is or speaks for"),
    since: timestamp,
  })
  .meta({ id: "Present" });
export type Present = z.infer<typeof present>;

export const presenceFilters = z.strictObject({
  ...page,
  agencyId: agencyId.optional(),
  subject: z.string().max(128).optional(),
});

/** What a change of presence says. */
export const presenceUpdate = z.strictObject({
  status: z.enum(["online", "offline"]),
  ...present.shape,
});
export type PresenceUpdate = z.infer<typeof presenceUpdate>;
