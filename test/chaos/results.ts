import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeMachine } from "../../bench/machine.ts";

/** Of the random moments: a new one each time, unless one is to be had again. */
export const seed = Number(process.env["CHAOS_SEED"] ?? randomInt(1_000_000));

const folder = join(import.meta.dirname, "results");

/** Keeps what a campaign that held has seen, beside what it was seen on: the last one of each is committed. */
export async function keepResult(name: string, seen: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const result = { name, date: new Date().toISOString(), machine: await describeMachine(), ...seen };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}
