import type { DeadLetters, KeptLetter } from "../../runtime/ports/index.ts";

/** Letters held in memory at once. */
const PAGE = 200;

/** Every letter after this one, oldest first, as many as there are. */
export async function* lettersAfter(deadLetters: DeadLetters, after: number): AsyncGenerator<KeptLetter> {
  let from = after;
  for (;;) {
    const page = await deadLetters.list(PAGE, from);
    if (page.length === 0) return;
    yield* page;
    from = page[page.length - 1]!.sequence;
  }
}

export async function letterAt(deadLetters: DeadLetters, sequence: number): Promise<KeptLetter | undefined> {
  const [letter] = await deadLetters.list(1, sequence - 1);
  return letter?.sequence === sequence ? letter : undefined;
}
