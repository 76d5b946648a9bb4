import type { KeyValue } from "./ports/index.ts";

const KEY = "departed-until";

/** The highest sequence that has ever been taken out of the journal: whoever reads on from below it may miss something. */
export async function readDepartedUntil(config: KeyValue): Promise<number> {
  return Number((await config.get(KEY))?.value ?? 0);
}

/** To be noted before it is taken out. */
export async function noteDepartedUntil(config: KeyValue, sequence: number): Promise<void> {
  for (;;) {
    const known = await config.get(KEY);
    if (Number(known?.value ?? 0) >= sequence) return;
    const put = { key: KEY, value: String(sequence), expectedRevision: known?.revision ?? 0 };
    if ((await config.put([put])).ok) return;
  }
}
