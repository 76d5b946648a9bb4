import { resourceTypes } from "../../schema/resource.ts";
import type { Wanted } from "./matching.ts";
import { type Known, mayBeSent } from "./state.ts";

/**
 * What a search for units passes others by for, as bits: whether it may be sent; its type; and the capabilities it has, each
 * by a bit that it may share with others, so that a unit with the marks of what is wanted need not have that.
 */
export function marksOf(it: Known): number {
  // What those can who are with it changes without it.
  const can = it.aboard.length > 0 ? ALL_CAPABILITIES : capabilityMarks(it.capabilities);
  return (mayBeSent(it) ? SENDABLE : 0) | typeMark(it.resourceType) | can;
}

/** @param any also what is at work */
export function marksWanted({ types = [], capabilities = [] }: Wanted, any = false): number {
  const [type, ...more] = types;
  const one = type === undefined || more.length > 0 ? 0 : typeMark(type);
  return (any ? 0 : SENDABLE) | one | capabilityMarks(capabilities);
}

const SENDABLE = 1;
const FIRST_CAPABILITY = 1 + resourceTypes.length;
/** The rest of 32. */
const CAPABILITY_BITS = 32 - FIRST_CAPABILITY;
const ALL_CAPABILITIES = -1 << FIRST_CAPABILITY;

function typeMark(type: Known["resourceType"]): number {
  return 1 << (1 + resourceTypes.indexOf(type));
}

function capabilityMarks(capabilities: readonly string[]): number {
  let marks = 0;
  for (const capability of capabilities) {
    let hash = 0;
    for (let index = 0; index < capability.length; index++) hash = Math.imul(hash, 31) + capability.charCodeAt(index);
    marks |= 1 << (FIRST_CAPABILITY + ((hash >>> 0) % CAPABILITY_BITS));
  }
  return marks;
}
