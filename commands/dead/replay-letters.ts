import type { Registry } from "../../runtime/actor.ts";
import type { Client } from "../../runtime/client.ts";
import type { DeadLetters, KeptLetter, Ports } from "../../runtime/ports/index.ts";
import type { Output } from "../replay/output.ts";
import { printable } from "../server/printable.ts";
import { actorOf } from "./letter-text.ts";
import { letterAt, lettersAfter } from "./letters.ts";
import { sendAgain } from "./send-again.ts";

export interface ReplayContext {
  readonly ports: Pick<Ports, "deadLetters" | "ids">;
  readonly client: Pick<Client, "send">;
  readonly registry: Registry;
  readonly out: Output;
}

/** @returns true when every letter was settled */
export async function replayLetters(sequences: readonly number[] | "all", context: ReplayContext): Promise<boolean> {
  const { ports, client, registry, out } = context;
  const counts = { settled: 0, failed: 0, left: 0 };
  const failedActors = new Set<string>();
  let scannedTo = 0;
  const missing = (sequence: number) => {
    out.result(`${sequence}  there is no such letter`);
    counts.failed += 1;
  };
  for await (const letter of lettersOf(sequences, ports.deadLetters, missing)) {
    const actor = actorOf(letter);
    const say = (text: string) => out.result(`${letter.sequence}  ${actor}  ${printable(text)}`);
    if (failedActors.has(actor)) {
      // In their order or not at all; and a run of failures would stop the actor for everybody.
      say("left alone: an earlier one of this actor failed");
      counts.left += 1;
      continue;
    }
    const requestId = `${letter.requestId}-again-${ports.ids.token()}`;
    const outcome = await sendAgain(letter, client, registry, requestId);
    say(outcome.kind === "settled" ? outcome.text : `failed, ${outcome.text}`);
    if (outcome.kind === "settled") {
      await ports.deadLetters.remove(letter.sequence);
      counts.settled += 1;
      continue;
    }
    counts.failed += 1;
    failedActors.add(actor);
    if (outcome.kind === "nobody") {
      out.note("no node answers: the letters stay as they are; is the node running?");
      return false;
    }
    if (outcome.buriedAgain) scannedTo = await removeCopy(ports, requestId, Math.max(scannedTo, letter.sequence));
  }
  out.note(`${counts.settled} settled and removed, ${counts.failed} failed, ${counts.left} left alone`);
  return counts.failed + counts.left === 0;
}

async function* lettersOf(
  sequences: readonly number[] | "all",
  deadLetters: DeadLetters,
  onMissing: (sequence: number) => void,
): AsyncGenerator<KeptLetter> {
  if (sequences === "all") return yield* lettersAfter(deadLetters, 0);
  for (const sequence of sequences) {
    const letter = await letterAt(deadLetters, sequence);
    if (letter === undefined) onMissing(sequence);
    else yield letter;
  }
}

/** What fails again is buried again: the copy goes, so that trying does not multiply letters. @returns how far it looked */
async function removeCopy(
  { deadLetters }: Pick<Ports, "deadLetters">,
  requestId: string,
  after: number,
): Promise<number> {
  let scannedTo = after;
  for await (const letter of lettersAfter(deadLetters, after)) {
    scannedTo = letter.sequence;
    if (letter.requestId === requestId) await deadLetters.remove(letter.sequence);
  }
  return scannedTo;
}
