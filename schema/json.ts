/** What is wrong with a piece of JSON, and where. */
export interface JsonProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface JsonLimits {
  /** Levels of objects and arrays in each other. */
  readonly depth: number;
  /** Values in all: members of objects and items of arrays, on every level. */
  readonly values: number;
  readonly keyCharacters: number;
}

/** What can be kept in UTF-8 and in PostgreSQL: no half of a surrogate pair, no NUL. */
const UNKEEPABLE = /[\0\p{Surrogate}]/u;

interface Level {
  readonly of: object;
  /** Names of an object's members; undefined for an array. */
  readonly keys: readonly string[] | undefined;
  next: number;
}

/**
 * The first thing in parsed JSON from outside that nothing here could take, whatever it is for. One walk without recursion,
 * which ends at the first limit: what is left is small enough for validation that looks at each value several times.
 */
export function problemInJson(value: unknown, limits: JsonLimits): JsonProblem | undefined {
  const levels: Level[] = [];
  let count = 0;
  const problem = (message: string): JsonProblem => ({
    path: levels.map(({ keys, next }) => (keys === undefined ? next - 1 : keys[next - 1]!)),
    message,
  });
  for (let current = value; ; ) {
    if (typeof current === "string" && UNKEEPABLE.test(current))
      return problem("no NUL, and no half of a surrogate pair");
    if (typeof current === "object" && current !== null) {
      if (levels.length === limits.depth) return problem(`at most ${limits.depth} levels deep`);
      levels.push({ of: current, keys: Array.isArray(current) ? undefined : Object.keys(current), next: 0 });
    }
    let level = levels[levels.length - 1];
    while (level !== undefined && level.next === (level.keys ?? (level.of as unknown[])).length) {
      levels.pop();
      level = levels[levels.length - 1];
    }
    if (level === undefined) return;
    const at = level.next++;
    if (++count > limits.values) return problem(`at most ${limits.values} values in all`);
    const key = level.keys?.[at];
    if (key !== undefined) {
      if (key.length > limits.keyCharacters) return problem(`a name has at most ${limits.keyCharacters} characters`);
      if (key === "__proto__") return problem("this is no name of a member");
      if (UNKEEPABLE.test(key)) return problem("no NUL, and no half of a surrogate pair in a name");
    }
    current = key === undefined ? (level.of as unknown[])[at] : (level.of as Record<string, unknown>)[key];
  }
}
