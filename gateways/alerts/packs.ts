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
 * More in a message, and who works on it would keep others waiting. It is far from what a server takes, 1 MB by default, also
 * where characters are three bytes. A report that is larger is a message of its own.
 */
const LIMITS: PackLimits = { reports: 200, characters: 64_000 };

interface Sends {
  readonly entries: readonly { readonly subject: string; readonly payload: string }[];
}

/**
 * What senders have brought as few messages, in the order of each subject. Those of one sender and subject stay in one
 * message where they fit.
 */
export function packed<Sender extends Sends>(senders: readonly Sender[], limits = LIMITS): readonly Pack<Sender>[] {
  const packs: Filling<Sender>[] = [];
  const open = new Map<string, Filling<Sender>>();
  for (const sender of senders) {
    for (const [subject, texts] of bySubject(sender)) {
      let pack = open.get(subject);
      if (!pack?.takes(texts, limits)) pack = undefined;
      for (const text of texts) {
        if (!pack?.takes([text], limits)) {
          pack = new Filling(subject);
          packs.push(pack);
        }
        pack.add(text, sender);
      }
      open.set(subject, pack!);
    }
  }
  return packs;
}

function bySubject({ entries }: Sends): ReadonlyMap<string, readonly string[]> {
  const texts = new Map<string, string[]>();
  for (const { subject, payload } of entries) {
    const before = texts.get(subject);
    if (before === undefined) texts.set(subject, [payload]);
    else before.push(payload);
  }
  return texts;
}

class Filling<Sender> implements Pack<Sender> {
  readonly subject: string;
  readonly texts: string[] = [];
  readonly senders = new Set<Sender>();
  #characters = 0;

  constructor(subject: string) {
    this.subject = subject;
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
