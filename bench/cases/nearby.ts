import type { BenchCase, BenchContext, BenchReport, Cell } from "../case.ts";
import { City, NEAREST, type NearQuery, queriesOf, RADIUS_METRES } from "../load/city.ts";
import { countCpu } from "../load/cpu.ts";
import { type Finder, openFinder, type Store, type Target } from "../load/finders.ts";
import { registerFleet } from "../load/fleet.ts";
import { type InFlightResult, keepInFlight } from "../load/in-flight.ts";
import { InProcess } from "../load/in-process.ts";
import { Mover } from "../load/mover.ts";
import { startFinderApi } from "../load/peers.ts";
import { startTocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";
import { findPostgis, findRedis } from "../load/tools.ts";
import { idsOf } from "../peers/finder-units.ts";
import { startPostgis } from "../peers/postgis.ts";
import { startRedis } from "../peers/redis.ts";

const MOVES_PER_SECOND = 10_000;
/** Less than this of the moves was not borne. */
const BORNE_SHARE = 0.95;
/** How many ask at the same time: one shows the latency by itself, several the throughput. */
const ASKING = [1, 8] as const;
/** Answers compared with those of the board, while nothing moves. */
const COMPARED = 200;

interface Running {
  readonly target: Target;
  readonly pids: readonly number[];
  readonly settings?: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const redis = async ({ root, cleanup }: BenchContext, size: number) => startRedis(await findRedis(root), size, cleanup);
const postgis = async ({ root, cleanup }: BenchContext, size: number) =>
  startPostgis(await findPostgis(root), size, cleanup);

const systems = {
  http: { title: "Tocsin over HTTP, DURABILITY=replicated", start: startTocsinWithFleet },
  httpRedis: { title: "uWebSockets.js and Redis over HTTP", start: behindHttp(redis) },
  httpPostgis: { title: "uWebSockets.js and PostGIS over HTTP", start: behindHttp(postgis) },
  redis: { title: "Redis by itself, GEOSEARCH", start: redis },
  postgis: { title: "PostGIS by itself, KNN", start: postgis },
} satisfies Record<string, { title: string; start(context: BenchContext, size: number): Promise<Running> }>;
const IN_PROCESS = "Tocsin's board in process (no socket, no HTTP, no JSON)";

type SystemName = keyof typeof systems;
const names = Object.keys(systems) as SystemName[];

const questions = {
  any: `${NEAREST} available, however far`,
  capable: `${NEAREST} available with a capability within ${RADIUS_METRES / 1_000} km`,
} as const;
type Question = keyof typeof questions;
const asked = Object.keys(questions) as Question[];

interface Run extends Pick<InFlightResult, "askedPerSecond" | "latencyMs"> {
  readonly system: SystemName | "inProcess";
  readonly size: number;
  readonly question: Question;
  readonly asking: number;
  readonly round: number;
  readonly movedPerSecond: number;
  readonly cores?: number | undefined;
  readonly microsecondsPerMove?: number;
}

/** A case for each size: one by one they are short enough to have the machine to themselves. */
const nearbyOf = (size: number, name: string): BenchCase => ({
  name,
  describe: `The ${NEAREST} nearest available of ${size} units while ${MOVES_PER_SECOND} a second move, beside Redis GEOSEARCH and PostGIS KNN.`,

  async run(context): Promise<BenchReport> {
    const sizes = [context.quick ? 10_000 : size];
    const runs: Run[] = [];
    const unable = new Map<SystemName, string>();
    const agreement: Partial<Record<SystemName, number>> = {};
    const settings: Partial<Record<SystemName, unknown>> = {};
    const seen = (run: Run) => {
      runs.push(run);
      const { size, asking, latencyMs } = run;
      context.progress(
        `round ${run.round}/${context.rounds}, ${size} units, ${run.question}, ${asking} asking, ${run.system}: ` +
          `${Math.round(run.askedPerSecond)}/s, p50 ${rounded(latencyMs.p50)} ms, p99 ${rounded(latencyMs.p99)} ms, ` +
          `${Math.round(run.movedPerSecond)} moves/s`,
      );
    };
    for (let round = 1; round <= context.rounds; round++) {
      for (const size of sizes) {
        for (const question of asked) {
          const board = new InProcess(size, MOVES_PER_SECOND);
          const next = queriesOf(question === "capable");
          board.run(next, context.warmUpSeconds);
          seen({ system: "inProcess", size, question, asking: 1, round, ...board.run(next, context.seconds) });
        }
        for (const name of names) {
          if (unable.has(name)) continue;
          try {
            const running: Running = await systems[name].start(context, size);
            settings[name] = running.settings;
            try {
              agreement[name] = Math.min(agreement[name] ?? 1, await agreeing(running.target, size));
              await measure(context, running, size, (run) => seen({ system: name, size, round, ...run }));
            } finally {
              await running.stop();
            }
          } catch (error) {
            // One that cannot run here must not keep the others from being measured.
            const why = error instanceof Error ? error.message : String(error);
            unable.set(name, why);
            context.progress(`${systems[name].title}: FAILED: ${why}`);
          }
        }
      }
    }
    return {
      tables: [{ title: "Nearest", columns, rows: rowsOf(runs, sizes) }],
      notes: [
        aim(runs),
        `Medians of ${context.rounds} round(s) of ${context.seconds} s, after ${context.warmUpSeconds} s of warm-up. Units in an area of 100 by 100 km, 70 % of them available, 20 % with the capability. All systems have the same units, moves and questions, and one at a time has the machine. Who asks sends the next question when the last one is answered; the moves come from a thread of their own, at ${MOVES_PER_SECOND} a second or as many as the system bears: see the column.`,
        "All sockets are TCP on 127.0.0.1, with clients about as small as can be. The row in process is the search alone, as the HTTP handler calls it: it is no figure to hold against the peers.",
        "Over HTTP the answers are whole units as JSON, and the moves come in requests of 100 fixes, for the peers as for Tocsin. What stands before the stores there is the least that can: it compares the token with the one it knows, validates nothing and keeps nothing of its own. By themselves the stores answer an id and a distance. Tocsin looks at agency, availability and age of the position of each unit; PostGIS at the last two; Redis at none: its available units, and those of them with the capability, are in sets of their own.",
        "Tocsin keeps each fix in a stream and checks whether it is plausible. Redis keeps nothing on disk, and its moves come 100 in a write; PostGIS has moves of 100 in a statement, an index of those available alone, and synchronous_commit off.",
        "GEOSEARCH looks at everything within its radius: it is given one that has 40 units in it on the average, and asked again with twice the radius when there are fewer than 10.",
        `Answers that are the board's, unit by unit, while nothing moves: ${names.flatMap((name) => (agreement[name] === undefined ? [] : `${systems[name].title} ${rounded(agreement[name]! * 100)} %`)).join(", ")}. Redis rounds places to about half a metre, and PostGIS measures on another sphere.`,
      ],
      notMeasured: ["Networks and clusters.", "Latency at a fixed rate of questions."],
      failures: [...unable].map(
        ([name, why]) =>
          `${systems[name].title} is missing or incomplete: ${why.split("\n", 1)[0]?.replaceAll(`${context.root}/`, "")}`,
      ),
      measurements: { settings, agreement, runs },
    };
  },
});

export const nearby = nearbyOf(10_000, "nearby");
export const nearbyOfMany = nearbyOf(100_000, "nearby-100000");

async function startTocsinWithFleet({ root, cleanup, progress }: BenchContext, size: number): Promise<Running> {
  const tocsin = await startTocsin({ root, durability: "replicated" }, cleanup);
  const ids = await registerFleet(tocsin, new City(size), progress);
  return { ...tocsin, target: { kind: "http", url: tocsin.url, token: tocsin.token, ids, reports: "feed" } };
}

/** A store behind the least of an API, as an application would have it: the same requests and answers as Tocsin's. */
function behindHttp(start: (context: BenchContext, size: number) => Promise<Running & { readonly target: Store }>) {
  return async (context: BenchContext, size: number): Promise<Running> => {
    const store = await start(context, size);
    const api = await startFinderApi(store.target, size, context.cleanup);
    return {
      ...store,
      target: { kind: "http", url: api.url, token: api.token, ids: idsOf(size), reports: "feed" },
      pids: [...store.pids, ...api.pids],
      async stop() {
        await api.stop();
        await store.stop();
      },
    };
  };
}

async function measure(
  context: BenchContext,
  { target, pids }: Running,
  size: number,
  seen: (run: Omit<Run, "system" | "size" | "round">) => void,
): Promise<void> {
  const mover = new Mover(target, size, MOVES_PER_SECOND);
  try {
    for (const question of asked) {
      for (const asking of ASKING) {
        const next = queriesOf(question === "capable");
        const finders = await Promise.all(Array.from({ length: asking }, () => openFinder(target, size)));
        const ask = async () => {
          const finder = finders.pop()!;
          await finder.nearest(next());
          finders.push(finder);
        };
        await keepInFlight(ask, { inFlight: asking, seconds: context.warmUpSeconds });
        const end = countCpu(pids);
        const [before, startedAt] = [await mover.moved(), performance.now()];
        const { askedPerSecond, latencyMs } = await keepInFlight(ask, { inFlight: asking, seconds: context.seconds });
        const movedPerSecond = ((await mover.moved()) - before) / ((performance.now() - startedAt) / 1_000);
        const used = end()?.byProgram;
        const cores = used && Object.values(used).reduce((sum, each) => sum + each, 0);
        seen({ question, asking, askedPerSecond, latencyMs, movedPerSecond, cores });
        await Promise.all(finders.map((finder) => finder.close()));
      }
    }
  } finally {
    await mover.stop();
  }
}

/** The share of the units answered that the board answers too. */
async function agreeing(target: Target, size: number): Promise<number> {
  const board = new InProcess(size, MOVES_PER_SECOND);
  const finder: Finder = await openFinder(target, size);
  let [same, all] = [0, 0];
  for (const question of asked) {
    const next = queriesOf(question === "capable");
    for (let index = 0; index < COMPARED; index++) {
      const query: NearQuery = next();
      const expected = board.nearest(query);
      const found = await finder.nearest(query);
      same += expected.filter((unit) => found.includes(unit)).length;
      all += Math.max(expected.length, found.length);
    }
  }
  await finder.close();
  return same / all;
}

const columns = [
  "units",
  "question",
  "asking at once",
  "system",
  "moves/s borne",
  "questions/s",
  "p50 ms",
  "p99 ms",
  "max ms",
  "cores: system",
];

function rowsOf(runs: readonly Run[], sizes: readonly number[]): Cell[][] {
  const row = (size: number, question: Question, asking: number, system: Run["system"]): Cell[][] => {
    const own = matching(runs, size, question, asking, system);
    if (own.length === 0) return [];
    return [
      [
        size,
        questions[question],
        asking,
        system === "inProcess" ? IN_PROCESS : systems[system].title,
        rounded(medianOf(own, (run) => run.movedPerSecond)),
        rounded(medianOf(own, (run) => run.askedPerSecond)),
        rounded(medianOf(own, (run) => run.latencyMs.p50)),
        rounded(medianOf(own, (run) => run.latencyMs.p99)),
        rounded(medianOf(own, (run) => run.latencyMs.max)),
        rounded(medianOf(own, (run) => run.cores)),
      ],
    ];
  };
  return sizes.flatMap((size) =>
    asked.flatMap((question) =>
      ASKING.flatMap((asking) =>
        (["inProcess", ...names] as const).flatMap((system) => row(size, question, asking, system)),
      ),
    ),
  );
}

function matching(
  runs: readonly Run[],
  size: number,
  question: Question,
  asking: number,
  system: Run["system"],
): readonly Run[] {
  return runs.filter(
    (run) => run.size === size && run.question === question && run.asking === asking && run.system === system,
  );
}

/** By the figures: is the answer over HTTP ahead of each peer in p99? */
function aim(runs: readonly Run[]): string {
  const p99 = ({ size, question, asking }: Run, system: SystemName) =>
    medianOf(matching(runs, size, question, asking, system), (run) => run.latencyMs.p99);
  const over = runs.filter(({ system, round }) => system === "http" && round === 1);
  const against = names
    .filter((name) => name !== "http")
    .map((peer) => {
      const compared = over.flatMap((run) => {
        const [own, other] = [p99(run, "http"), p99(run, peer)];
        return own === undefined || other === undefined ? [] : [own < other];
      });
      return { peer, ahead: compared.filter((is) => is).length, of: compared.length };
    });
  const missing = against.filter(({ of }) => of === 0).map(({ peer }) => systems[peer].title);
  const full = runs.filter(({ movedPerSecond }) => movedPerSecond < BORNE_SHARE * MOVES_PER_SECOND);
  const who = [...new Set(full.map(({ system }) => system))].map((system) =>
    system === "inProcess" ? IN_PROCESS : systems[system].title,
  );
  return [
    `The aim is to be ahead of every peer in p99. Tocsin over HTTP is ahead ${against.map(({ peer, ahead, of }) => `of ${systems[peer].title} in ${ahead} of ${of} comparisons`).join(", ")}: ${against.every(({ ahead, of }) => of > 0 && ahead === of) ? "met" : "NOT met"}.`,
    ...(missing.length === 0 ? [] : [`Not judged, because it is missing: ${missing.join(", ")}.`]),
    ...(who.length === 0
      ? []
      : [`Not all bore all moves, and latency is then that of a system that is full: ${who.join("; ")}.`]),
  ].join(" ");
}
