import { assert } from "../../runtime/actor.ts";
import type { ClassificationDocument } from "../../schema/classification.ts";
import { type CompiledRules, compileRules } from "./classify.ts";
import { type ClassificationState, classification } from "./definition.ts";

/** Compiled once for each document, which is the same object as long as it is the same. */
const compiledDocuments = new WeakMap<ClassificationDocument, CompiledRules>();

/** @param state as a board has it; undefined where nothing was ever activated */
export function activeRules(state: ClassificationState = classification.initial): {
  readonly revision: number;
  readonly compiled: CompiledRules;
} {
  const { document, revision } = state;
  let compiled = compiledDocuments.get(document);
  if (compiled === undefined) {
    const result = compileRules(document);
    assert(!("flaws" in result), "what is active was checked before it was");
    compiled = result;
    compiledDocuments.set(document, compiled);
  }
  return { revision, compiled };
}
