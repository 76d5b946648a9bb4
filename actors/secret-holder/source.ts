import type { SourceFields } from "../../schema/alert.ts";
import { type KnownSecretHolder, type SecretHolder, secretHolder, secretHolderEvents } from "./definition.ts";

export type KnownSource = KnownSecretHolder<SourceFields>;

const { created, updated, rotated } = secretHolderEvents<SourceFields>("source");

/** Who may report alerts with a credential of its own, and in which form. */
export const source: SecretHolder<"source", SourceFields> = {
  ...secretHolder<"source", SourceFields>("source", "source"),
  evolve: { "source.created": created, "source.updated": updated, "source.rotated": rotated },
};
