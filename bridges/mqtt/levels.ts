/** A topic with named levels, made ready: `fundamentum/{agency}/{site}/{device}/alarm`. */
export interface Levels {
  /** What is subscribed to: `fundamentum/+/+/+/alarm`. */
  readonly subscription: string;
  /** What stands in the named levels of a topic; undefined for a topic that does not fit. */
  read(topic: string): Readonly<Record<string, string>> | undefined;
}

export function levelsOf(filter: string): Levels {
  const levels = filter.split("/").map((level) => ({ level, name: /^\{(\w+)\}$/.exec(level)?.[1] }));
  return {
    subscription: levels.map(({ level, name }) => (name === undefined ? level : "+")).join("/"),
    read(topic) {
      const given = topic.split("/");
      if (given.length !== levels.length) return;
      const named: Record<string, string> = {};
      for (const [index, { level, name }] of levels.entries()) {
        if (name !== undefined) named[name] = given[index]!;
        else if (level !== "+" && level !== given[index]) return;
      }
      return named;
    },
  };
}
