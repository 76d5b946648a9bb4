import { setTimeout as sleep } from "node:timers/promises";
import type { BenchCase, BenchContext, BenchReport } from "../case.ts";
import { countCpu } from "../load/cpu.ts";
import { bencher, createIncident, startDirect } from "../load/direct.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { Listeners } from "../load/listeners.ts";
import { startBroadcaster } from "../load/peers.ts";
import { residentMegabytes } from "../load/processes.ts";
import { resume } from "../load/resumer.ts";
import { startTocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";
import type { System } from "../load/system.ts";

const SOCKETS = 10_000;
const SOCKETS_QUICK = 1_000;
const RESUMED = 50_000;
const RESUMED_QUICK = 5_000;
/** Between two events: for whoever comes late to get its own. */
const PAUSE_MS = 20;
/** Events made at once, as when a storm breaks. */
const BURST = 10;
const LANES = 64;

const kinds = ["tocsin", "ws", "socket.io", "uws"] as const;
type Kind = (typeof kinds)[number];
const names: Readonly<Record<Kind, string>> = {
  tocsin: "tocsin",
  ws: "ws",
  "socket.io": "socket.io",
  uws: "uWebSockets.js alone, its publish: the ceiling",
};

interface Run {
  readonly kind: Kind;
  readonly round: number;
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosecondsEach: number | undefined;
  readonly kilobytesASocket: number;
  readonly burst: Burst;
}

/** Several events at once, each to every socket. */
interface Burst {
  readonly bursts: number;
  /** Until the last socket has the last of them. */
  readonly p50Ms: number;
  readonly cpuMicrosecondsEach: number | undefined;
}

interface Resumed {
  readonly round: number;
  readonly from: "memory" | "journal";
  readonly events: number;
  readonly ms: number;
  readonly recovered: boolean;
}

export const fanOut: BenchCase = {
  name: "fan-out",
  describe: `One event to ${SOCKETS} sockets on one gateway, beside ws and Socket.IO sending the same bytes; and who comes back to ${RESUMED} events.`,

  async run(context): Promise<BenchReport> {
    const runs: Run[] = [];
    const resumed: Resumed[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      // Tocsin first: the others send what it sent.
      let sample = "";
      for (const kind of kinds) {
        const { run, sent } = await broadcast(context, kind, round, sample);
        if (kind === "tocsin") sample = sent;
        runs.push(run);
        context.progress(
          `round ${round}/${context.rounds}, ${kind}: last socket after p50 ${rounded(run.p50Ms)} ms, p99 ${rounded(run.p99Ms)} ms, ` +
            `${rounded(run.cpuMicrosecondsEach)} µs of CPU a message, ${rounded(run.kilobytesASocket)} kB a socket`,
        );
      }
      resumed.push(...(await comeBack(context, round)));
    }
    const of = (kind: Kind, pick: (run: Run) => number | undefined) =>
      rounded(
        medianOf(
          runs.filter((run) => run.kind === kind),
          pick,
        ),
      );
    const sockets = context.quick ? SOCKETS_QUICK : SOCKETS;
    return {
      tables: [
        {
          title: `One event to ${sockets} sockets`,
          columns: [
            "server",
            "last socket: p50 ms",
            "p99 ms",
            "CPU µs a message, server",
            "kB a socket at rest",
            "events",
          ],
          rows: kinds.map((kind) => [
            names[kind],
            of(kind, (run) => run.p50Ms),
            of(kind, (run) => run.p99Ms),
            of(kind, (run) => run.cpuMicrosecondsEach),
            of(kind, (run) => run.kilobytesASocket),
            of(kind, (run) => run.events),
          ]),
        },
        {
          title: `${BURST} events at once to ${sockets} sockets`,
          columns: ["server", "last socket has the last: p50 ms", "CPU µs a message, server", "times"],
          rows: kinds.map((kind) => [
            names[kind],
            of(kind, ({ burst }) => burst.p50Ms),
            of(kind, ({ burst }) => burst.cpuMicrosecondsEach),
            of(kind, ({ burst }) => burst.bursts),
          ]),
        },
        {
          title: "Coming back",
          columns: ["from", "events", "ms", "events/s"],
          rows: (["memory", "journal"] as const).map((from) => {
            const own = resumed.filter((one) => one.from === from);
            const ms = medianOf(own, (one) => one.ms);
            const events = medianOf(own, (one) => one.events);
            return [
              from,
              events,
              rounded(ms),
              ms === undefined || events === undefined ? undefined : Math.round((1_000 * events) / ms),
            ];
          }),
        },
      ],
      notes: [
        "The sockets are in one process of the bench, on the same machine. It counts frames and does not look into them; with this many sockets it is what takes longest, whichever server it listens to.",
        "From just before the request that makes the event (for Tocsin a new incident, DURABILITY=replicated; for the others a POST of the bytes that Tocsin sent) to the last socket's receipt. The next event is made once every socket has the one before.",
        "CPU is that of the server's own process, nats-server not counted, divided by events and sockets. At rest: what the server's memory grew by while the sockets were opened.",
        "Coming back: from subscribing with the position before the first event until `subscription.live`; from memory on the gateway that has just told them, from the journal on one that was started anew. Each event is an entry of the journal with its event written out.",
      ],
      notMeasured: ["TLS, compression, networks; sockets that read slowly; several gateways."],
      failures: resumed.every(({ recovered }) => recovered) ? [] : ["something could not be recovered"],
      measurements: { runs, resumed },
    };
  },
};

async function broadcast(
  { root, cleanup, seconds, quick }: BenchContext,
  kind: Kind,
  round: number,
  sample: string,
): Promise<{ readonly run: Run; readonly sent: string }> {
  const system: System =
    kind === "tocsin"
      ? await startTocsin({ root, durability: "replicated", env: { ARCHIVE: "off" } }, cleanup)
      : await startBroadcaster(kind, cleanup);
  try {
    const [pid = 0] = system.pids;
    const { url, token } = system;
    const sockets = quick ? SOCKETS_QUICK : SOCKETS;
    const before = residentMegabytes(pid);
    const listeners = await Listeners.open({ kind, url, token, sockets }, cleanup);
    // What opening them took is given back by and by, and nothing tells when: memory at rest is asked for.
    await sleep(500);
    const kilobytesASocket = ((residentMegabytes(pid) - before) * 1_024) / sockets;
    const connection = await HttpConnection.open(url, token);
    const [path, status] = kind === "tocsin" ? ["/api/v1/incidents", 201] : ["/broadcast", 202];
    const body =
      kind === "tocsin"
        ? { type: "structure_fire", category: "fire", title: "Smoke from the roof" }
        : JSON.parse(sample);
    let event = 0;
    let sent = "";
    const once = async () => {
      const startedAt = performance.timeOrigin + performance.now();
      const answered = connection.expect(status as number, "POST", path as string, body);
      const heard = await listeners.heard(event++);
      await answered;
      sent ||= heard.sample ?? "";
      return heard.lastAtMs - startedAt;
    };
    const connections = await Promise.all(Array.from({ length: BURST }, () => HttpConnection.open(url, token)));
    const several = async () => {
      const startedAt = performance.timeOrigin + performance.now();
      const answered = connections.map((one) => one.expect(status as number, "POST", path as string, body));
      event += BURST;
      const { lastAtMs } = await listeners.heard(event - 1);
      await Promise.all(answered);
      return lastAtMs - startedAt;
    };
    const measured = async (step: () => Promise<number>, times: number) => {
      const tookMs: number[] = [];
      const end = countCpu([pid]);
      const startedAt = performance.now();
      while (performance.now() - startedAt < seconds * 1_000 || tookMs.length < times) {
        tookMs.push(await step());
        await sleep(PAUSE_MS);
      }
      const elapsed = (performance.now() - startedAt) / 1_000;
      const cores = end()?.byProgram["node"];
      tookMs.sort((a, b) => a - b);
      const messages = tookMs.length * sockets * (step === several ? BURST : 1);
      return { tookMs, cpuMicrosecondsEach: cores === undefined ? undefined : (cores * elapsed * 1e6) / messages };
    };
    for (let warmUp = 0; warmUp < 10; warmUp++) await once();
    const { tookMs, cpuMicrosecondsEach } = await measured(once, 20);
    await several();
    const bursts = await measured(several, 5);
    for (const one of [connection, ...connections]) one.close();
    await listeners.stop();
    const run = {
      kind,
      round,
      events: tookMs.length,
      p50Ms: tookMs[Math.floor(tookMs.length / 2)]!,
      p99Ms: tookMs[Math.ceil(tookMs.length * 0.99) - 1]!,
      cpuMicrosecondsEach,
      kilobytesASocket,
      burst: {
        bursts: bursts.tookMs.length,
        p50Ms: bursts.tookMs[Math.floor(bursts.tookMs.length / 2)]!,
        cpuMicrosecondsEach: bursts.cpuMicrosecondsEach,
      },
    };
    return { run, sent };
  } finally {
    await system.stop();
  }
}

async function comeBack({ root, cleanup, quick, progress }: BenchContext, round: number): Promise<Resumed[]> {
  const dataDir = await cleanup.folder("resume");
  const events = quick ? RESUMED_QUICK : RESUMED;
  const options = { root, durability: "replicated", dataDir } as const;
  const resumed: Resumed[] = [];
  const direct = await startDirect(options, cleanup);
  try {
    const ids: string[] = [];
    for (let index = 0; index < 500; index++) ids.push(await createIncident(direct, index));
    let next = ids.length;
    const lane = async () => {
      for (let index = next++; index < events; index = next++) {
        const to = { kind: "incident", id: ids[index % ids.length]! };
        const command = { type: "update", changes: {}, note: `remark ${index}` };
        const reply = await direct.client.ask(to, command, { by: bencher, requestId: "bench" });
        if (!reply.ok) throw new Error(`${reply.code}: ${reply.detail}`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    // Snapshots of all that are written behind, and nothing tells a bench of their end.
    await sleep(1_000);
    resumed.push({ round, from: "memory", ...(await resume(direct.tocsin, "incidents/default")) });
  } finally {
    await direct.stop();
  }
  const again = await startTocsin(options, cleanup);
  try {
    resumed.push({ round, from: "journal", ...(await resume(again, "incidents/default")) });
  } finally {
    await again.stop();
    await cleanup.remove(dataDir);
  }
  for (const one of resumed)
    progress(`round ${round}, back from ${one.from}: ${one.events} events in ${rounded(one.ms)} ms`);
  return resumed;
}
