import { test } from "vitest";
import { readCalls } from "./read-calls.ts";
import { readText } from "./file-text.ts";
test("x", async () => {
  for (const f of ["sf-fire-calls/sf_fire_calls_2020-04-07_to_2020-04-20.csv.gz","sf-fire-calls/sf_fire_structure_and_outside_fires_2009_to_2019.csv.gz","montco-911/montco_911_2016-02-15_to_2016-08-24.csv.gz"]) {
    const t = performance.now();
    const r = await readCalls(readText("/work/shared/data/"+f));
    console.log(f, performance.now()-t, r.layout, r.rowCount, r.calls.length, new Set(r.calls.flatMap(c=>c.runs.map(x=>x.callSign))).size, r.badRows, r.repairs, JSON.stringify(r.calls[5]));
  }
}, 100000);
