import type { Labels } from "./matching.ts";
import type { CompiledRoute } from "./tree.ts";

/** A route that was looked at, in the order of looking. */
export interface Look {
  readonly path: string;
  readonly name: string | null;
  readonly matched: boolean;
  /** What was made of it, in words. */
  readonly because: string;
}

/** Every route that is looked at for an alert, and why it is taken or not: the search of `routesFor`, told. */
export function explain(root: CompiledRoute, labels: Labels): readonly Look[] {
  const looks: Look[] = [];
  const look = (route: CompiledRoute): boolean => {
    const { path, name = null, matchers } = route;
    const misfit = matchers.find(({ matches }) => !matches(labels));
    if (misfit !== undefined) {
      looks.push({ path, name, matched: false, because: `${misfit.text} does not match` });
      return false;
    }
    const own = looks.push({ path, name, matched: true, because: "" }) - 1;
    const taken: CompiledRoute[] = [];
    let ended: CompiledRoute | undefined;
    for (const child of route.children) {
      if (!look(child)) continue;
      taken.push(child);
      if (child.continues) continue;
      ended = child;
      break;
    }
    looks[own] = { path, name, matched: true, because: reasonOf(route, taken, ended) };
    return true;
  };
  look(root);
  return looks;
}

function reasonOf(route: CompiledRoute, taken: readonly CompiledRoute[], ended: CompiledRoute | undefined): string {
  const fits = route.matchers.length === 0 ? "it matches everything" : "all its matchers match";
  if (route.children.length === 0) return `${fits}: taken`;
  if (taken.length === 0) return `${fits}, and none of the routes below does: taken itself`;
  const names = taken.map(({ path }) => path).join(", ");
  return `${fits}; below it matches ${names}${ended === undefined ? "" : ", after which the search ends"}`;
}
