import { ArchiveReader } from "../../bridges/postgres/reader.ts";
import { searchWords } from "../../runtime/search-text.ts";
import type { ArchiveBench } from "./archive.ts";

export interface QueryTimes {
  readonly query: string;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const UNITS = 2_000;
const HOUR_MS = 3_600_000;

/** What lists and tracks ask of the archive, one after the other, from the question to its rows; warm. */
export async function timeQueries(
  bench: ArchiveBench,
  unitOf: (index: number) => string,
  nowMs: number,
  times: number,
): Promise<readonly QueryTimes[]> {
  const reader = new ArchiveReader(() => ({ connectionString: bench.url }));
  const agencies = ["default"];
  const list = { agencies, filters: {}, words: [] as readonly string[], departedOnly: false, limit: 51 };
  const track = (index: number, hours: number, resolutionSeconds?: number) =>
    reader.track({
      resourceId: unitOf((index * 7) % UNITS),
      from: new Date(nowMs - hours * HOUR_MS).toISOString(),
      to: new Date(nowMs).toISOString(),
      resolutionSeconds,
      refused: false,
      limit: 1_001,
    });
  const queries: Readonly<Record<string, (index: number) => Promise<unknown>>> = {
    "track, an hour, every fix": (index) => track(index, 1),
    "track, all, a point a minute": (index) => track(index, 24, 60),
    "list, newest": () => reader.incidents(list),
    "list, by status and priority": (index) =>
      reader.incidents({ ...list, filters: { status: ["closed"], priority: [1 + (index % 5)] } }),
    "search, a number": (index) =>
      reader.incidents({ ...list, words: searchWords(`DEFAULT-2026-${String(index + 1).padStart(6, "0")}`) }),
    "search, words that a few have": (index) =>
      reader.incidents({ ...list, words: searchWords(`${1_000 + index} example`) }),
    "search, words that all have": () => reader.incidents({ ...list, words: searchWords("smoke roof") }),
    "near a place": (index) =>
      reader.incidents({
        ...list,
        near: { lat: 37.7 + (index % 100) / 1_000, lon: -122.45, radiusMetres: 500, afterMetres: -1, afterId: "" },
      }),
  };
  const told: QueryTimes[] = [];
  for (const [query, ask] of Object.entries(queries)) {
    const taken: number[] = [];
    for (let index = -10; index < times; index++) {
      const startedMs = performance.now();
      await ask(Math.abs(index));
      if (index >= 0) taken.push(performance.now() - startedMs);
    }
    taken.sort((a, b) => a - b);
    const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))]!;
    told.push({ query, count: times, p50Ms: at(0.5), p99Ms: at(0.99) });
  }
  await reader.close();
  return told;
}
