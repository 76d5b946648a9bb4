import { chainHash } from "../../runtime/chain.ts";
import type { IntakeRecord } from "../../schema/alert.ts";
import type { Address } from "../../schema/subjects.ts";

/** The actor of a report's key. Whatever an agency, a source or a key is named, its id is safe in a subject. */
export function keyOf({ agencyId, source, nature }: IntakeRecord, dedupKey: string): Address {
  return { kind: "alertkey", id: chainHash(JSON.stringify([agencyId, source.scope, nature, dedupKey])) };
}
