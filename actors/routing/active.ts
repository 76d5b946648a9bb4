import { assert } from "../../runtime/actor.ts";
import type { RoutingDocument } from "../../schema/routing/document.ts";
import type { Silence } from "../../schema/routing/silence.ts";
import { type CompiledRouting, compileRouting } from "./compile.ts";
import { type RoutingState, routing } from "./definition.ts";
import { type SilencesState, silences } from "./silences.ts";
import { type CompiledSilence, compileSilences } from "./silencing.ts";

/** Compiled once for each document, which is the same object as long as it is the same. */
const compiledDocuments = new WeakMap<RoutingDocument, CompiledRouting>();
const compiledSilences = new WeakMap<SilencesState["silences"], readonly CompiledSilence[]>();

export interface ActiveRouting {
  readonly document: RoutingDocument;
  readonly revision: number;
  readonly compiled: CompiledRouting;
}

/** @param state as a board has it; undefined where nothing was ever activated */
export function activeRouting(state: RoutingState = routing.initial): ActiveRouting {
  const { document, revision } = state;
  let compiled = compiledDocuments.get(document);
  if (compiled === undefined) {
    const result = compileRouting(document);
    assert(!("flaws" in result), "what is active was checked before it was");
    compiled = result;
    compiledDocuments.set(document, compiled);
  }
  return { document, revision, compiled };
}

/** @param state as a board has it; undefined where there was never a silence */
export function activeSilences({ silences: all }: SilencesState = silences.initial): readonly CompiledSilence[] {
  let compiled = compiledSilences.get(all);
  if (compiled === undefined) {
    compiled = compileSilences(Object.values<Silence>(all));
    compiledSilences.set(all, compiled);
  }
  return compiled;
}
