import { mkdirSync, writeFileSync } from "node:fs";
import { describeMachine } from "../../bench/machine.ts";

/** Keeps what a campaign has come to, with the machine that it ran on: the last one of each is committed. */
export async function keepResult(name: string, result: object): Promise<void> {
  const told = { name, date: new Date().toISOString(), machine: await describeMachine(), ...result };
  mkdirSync("test/chaos/results", { recursive: true });
  writeFileSync(`test/chaos/results/${name}.json`, `${JSON.stringify(told, null, 2)}\n`);
}
