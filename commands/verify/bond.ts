/**
 * One relation that two actors both tell of, such as a unit and the incident that holds it: the member says whose it is, the
 * owners say who is theirs. Only what a commit has touched is looked at, which comes to looking at all of it.
 */
export class Bond {
  /** Whose each member says it is. */
  readonly #says = new Map<string, string>();
  /** Who each owner says is its. */
  readonly #owned = new Map<string, ReadonlySet<string>>();
  readonly #claims = new Map<string, Set<string>>();
  readonly #touched = new Set<string>();
  readonly #broken = new Set<string>();

  member(id: string, owner: string | null): void {
    if (owner === null) this.#says.delete(id);
    else this.#says.set(id, owner);
    this.#touched.add(id);
  }

  owner(id: string, members: ReadonlySet<string>): void {
    for (const member of this.#owned.get(id) ?? []) {
      this.#claims.get(member)?.delete(id);
      this.#touched.add(member);
    }
    for (const member of members) {
      const claims = this.#claims.get(member) ?? new Set();
      this.#claims.set(member, claims.add(id));
      this.#touched.add(member);
    }
    this.#owned.set(id, members);
  }

  /** The members of which the touched are at odds with their owners, with whose they say they are and who claims them. */
  *#odds(unknown: ReadonlySet<string>) {
    for (const id of this.#touched) {
      const says = this.#says.get(id);
      const claims = [...(this.#claims.get(id) ?? [])];
      const known = [id, ...(says === undefined ? [] : [says]), ...claims].every((one) => !unknown.has(one));
      const agrees = claims.length === (says === undefined ? 0 : 1) && claims[0] === says;
      if (known && !agrees) yield { id, says, claims };
    }
  }

  /** True when `settle` would find nothing. */
  agrees(unknown: ReadonlySet<string>): boolean {
    return this.#odds(unknown).next().done === true;
  }

  /**
   * To be called once a commit is complete.
   * @param unknown actors of which nothing is known: they say nothing, true or false
   * @returns what it broke, each member once until it agrees again
   */
  settle(unknown: ReadonlySet<string>) {
    const odds = [...this.#odds(unknown)];
    const found = odds.filter(({ id }) => !this.#broken.has(id));
    for (const id of this.#touched) this.#broken.delete(id);
    for (const { id } of odds) this.#broken.add(id);
    this.#touched.clear();
    return found;
  }
}
