/**
 * Two lanes, each bounded: what the system sends (parts of other actors' commits, deadlines) goes before what users send,
 * so that a crowd of users cannot hold up a commit that others wait for.
 */
export class Mailbox<Item> {
  readonly #userMax: number;
  readonly #systemMax: number;
  readonly #user: Item[] = [];
  /** Made when something comes: most actors never hear of the system, and there are many actors. */
  #system: Item[] | undefined;

  constructor(userMax: number, systemMax: number) {
    this.#userMax = userMax;
    this.#systemMax = systemMax;
  }

  get length(): number {
    return this.#user.length + (this.#system?.length ?? 0);
  }

  /** @returns false when the lane is full: the sender is to be told, now */
  put(item: Item, lane: "user" | "system"): boolean {
    const max = lane === "user" ? this.#userMax : this.#systemMax;
    if (lane === "system") this.#system ??= [];
    const items = lane === "user" ? this.#user : this.#system!;
    if (items.length >= max) return false;
    items.push(item);
    return true;
  }

  take(): Item | undefined {
    return this.#system?.shift() ?? this.#user.shift();
  }
}
