import { ALERT_LIMITS } from "../../schema/alert.ts";

/** Reports of one subject that become one message. */
export interface Pack<Sender> {
  readonly subject: string;
  readonly texts: readonly string[];
  readonly senders: ReadonlySet<Sender>;
}

export interface PackLimits {
  readonly reports: number;
  readonly characters: number;
}

/**
 * As many as a sender may bring at once, so that those are one message. It is below what a server takes, 1 MB by default,
 * also where characters are three bytes. A report that is larger is a message of its own.
 */
const LIMITS: PackLimits = { reports: ALERT_LIMITS.batch, characters: 300_000 };

interface Sends {
  readonly entries: readonly { readonly subject: string; readonly payload: string }[];
}

/**
 * What senders have brought as few messages. A report's place tells which of a sender's is the newer one, whatever their
 * subjects: so each sender's are in the order in which it has them. Those of a subject that follow each other there stay in
 * one message where they fit.
 */
export function packed<Sender extends Sends>(senders: readonly Sender[], limits = LIMITS): readonly Pack<Sender>[] {
  const packs: Filling<Sender>[] = [];
  const open = new Map<string, Filling<Sender>>();
  for (const sender of senders) {
    let last = 0;
    for (const { subject, texts } of runsOf(sender)) {
      let pack = open.get(subject);
      if (pack !== undefined && (pack.index < last || !pack.takes(texts, limits))) pack = undefined;
      for (const text of texts) {
        if (!pack?.takes([text], limits)) {
          pack = new Filling(subject, packs.length);
          packs.push(pack);
        }
        pack.add(text, sender);
      }
      open.set(subject, pack!);
      last = pack!.index;
    }
  }
  return packs;
}

/** Reports of a subject that follow each other. */
function runsOf({ entries }: Sends): readonly { readonly subject: string; readonly texts: readonly string[] }[] {
  const runs: { subject: string; texts: string[] }[] = [];
  for (const { subject, payload } of entries) {
    const run = runs.at(-1);
    if (run?.subject === subject) run.texts.push(payload);
    else runs.push({ subject, texts: [payload] });
  }
  return runs;
}

class Filling<Sender> implements Pack<Sender> {
  readonly subject: string;
  /** Its place among the packs. */
  readonly index: number;
  readonly texts: string[] = [];
  readonly senders = new Set<Sender>();
  #characters = 0;

  constructor(subject: string, index: number) {
    this.subject = subject;
    this.index = index;
  }

  takes(texts: readonly string[], { reports, characters }: PackLimits): boolean {
    const more = texts.reduce((sum, { length }) => sum + length, 0);
    return this.texts.length + texts.length <= reports && this.#characters + more <= characters;
  }

  add(text: string, sender: Sender): void {
    this.texts.push(text);
    this.senders.add(sender);
    this.#characters += text.length;
  }
}
