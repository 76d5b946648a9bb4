/** Conditions and their values. What comes from outside is only ever a value, never a part of the text. */
export class Conditions {
  readonly #conditions: string[] = [];
  readonly values: unknown[] = [];

  /** The place of a value in the text. */
  value(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  /** @param text of the condition, made with the places of its values */
  add(text: string): void {
    this.#conditions.push(`(${text})`);
  }

  get where(): string {
    return this.#conditions.length === 0 ? "true" : this.#conditions.join(" and ");
  }
}

/** A part of LIKE's pattern that stands for itself. */
export function literalPattern(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}

/** PostgreSQL takes no offset of more than 16 hours, a time in the API may have one. */
export function utc(time: string): string {
  return new Date(time).toISOString();
}
