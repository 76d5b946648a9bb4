import { setTimeout as sleep } from "node:timers/promises";
import { openNats } from "../../runtime/nats/open.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import type { BenchCase, BenchContext, BenchReport, Cell } from "../case.ts";
import {
  type Door,
  httpDoor,
  mqttDoor,
  type Peer,
  type Reported,
  startAlertmanager,
  webhookDoor,
} from "../load/alert-doors.ts";
import { AlertWatch, type Arrivals, atRate, Times } from "../load/alert-watch.ts";
import { type CoresUsed, countCpu } from "../load/cpu.ts";
import { freePort } from "../load/free-port.ts";
import { type Broker, startMosquitto } from "../load/mosquitto.ts";
import { startTocsin, type Tocsin } from "../load/server.ts";
import { rounded } from "../load/statistics.ts";
import { until } from "../load/until.ts";

const RATE = 1_000;
/** Of the steady mix: one report in so many is of a device that was not heard of before. */
const NEW_EVERY = 50;
const DEVICES = 2_000;
/** Of new devices, one in so many is critical, and gets an incident. */
const CRITICAL_EVERY = 10;
const RATES = [2_000, 4_000, 6_000, 8_000, 10_000];
/** Reports in a request, where the most is asked for. */
const BATCH = 50;
const FLOOD_BATCH = 500;
const CRITICAL_PER_SECOND = 20;
const DRAIN_MS = 60_000;
const P99_MAX_MS = 500;
/** A steady load is measured after so many of the bench's usual times for warming up. */
const WARM_UPS = 4;
const PEER = "Alertmanager";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ways = ["HTTP", "webhook", "MQTT", "MQTT, Mosquitto"] as const;
type Way = (typeof ways)[number];

interface Measured {
  readonly what: string;
  readonly perSecond: number;
  readonly accepted: Times;
  readonly counted: Times;
  readonly routed?: Times;
  readonly incidents?: Times;
  /** Reports that were accepted and had not arrived when it was given up. */
  readonly missing: number;
  readonly cores: CoresUsed | undefined;
}

/** The round in the middle, and all of them. */
interface Repeated extends Measured {
  readonly rounds: readonly Measured[];
}

/** Reports sent at a rate, so many a request. */
interface Sending {
  readonly what: string;
  readonly perSecond: number;
  /** @param newAs what new devices are called */
  readonly report: (index: number, newAs: string) => Reported;
  readonly batch?: number;
}

/** What is measured, and where its alerts are seen to arrive. */
interface Measurable {
  readonly pids: readonly number[];
  readonly watch: Arrivals;
}

interface Running extends Measurable {
  readonly tocsin: Tocsin;
  readonly watch: AlertWatch;
  door(way: Way): Promise<Door>;
  stop(): Promise<void>;
}

/** How long alerts take from being sent to what follows from them, by each door, and how many are too many. */
export const alerts: BenchCase = {
  name: "alerts",
  describe: "Alerts from being sent until counted, routed and, where due, an incident; beside Prometheus Alertmanager.",

  async run(context): Promise<BenchReport> {
    const steady: Repeated[] = [];
    for (const way of ways) steady.push(...(await steadily(context, way)));
    const peer = await beside(context);
    const most = await sustained(context);
    const flooded = await flood(context);
    const line = ({ what, perSecond, accepted, counted, routed, incidents, missing, cores }: Measured): Cell[] => [
      what,
      perSecond,
      ...[accepted, counted, routed, incidents].flatMap((times) => [rounded(times?.at(50)), rounded(times?.at(99))]),
      missing,
      rounded(ofItself(cores)),
      rounded(cores?.byProgram["nats-server"]),
      rounded(cores?.others),
    ];
    const allOf = ({ rounds }: Repeated) => rounds.map(line);
    const columns = [
      ...["by", "reports/s", "accepted: p50 ms", "p99 ms", "counted: p50 ms", "p99 ms"],
      ...["routed: p50 ms", "p99 ms", "incident: p50 ms", "p99 ms", "lost"],
      ...["cores: node or Alertmanager", "cores: nats-server", "cores: others, the bench among them"],
    ];
    return {
      tables: [
        {
          title: `${RATE} reports a second, one a request; every ${NEW_EVERY}th of a new device`,
          columns,
          rows: steady.map(line),
        },
        { title: `${RATE} alerts a second, each of a new device`, columns, rows: peer.map(line) },
        {
          title: `How many: ${BATCH} reports a request, every ${NEW_EVERY}th of a new device, until p99 is above ${P99_MAX_MS} ms`,
          columns,
          rows: most.map(line),
        },
        {
          title: `${CRITICAL_PER_SECOND} critical alerts a second, while as many low ones come in as can be sent`,
          columns: [...columns, "low reports accepted/s", "low reports that waited at the end"],
          rows: flooded.map((one) => [...line(one), one.acceptedPerSecond, one.waiting]),
        },
      ],
      notes: [
        "Each is measured so many times as there are rounds; shown is the round in the middle by its p99 of what is routed.",
        "DURABILITY=sync: a report is on disk before it is accepted, and whatever follows from it is on disk before it is told. Alertmanager writes nothing before it answers.",
        `Tocsin has had ${RATE} reports a second for ${WARM_UPS * context.warmUpSeconds} seconds before.`,
        `Times run from when a report was to be sent, at an even rate whatever is answered (an open loop), to the entry of the journal that tells of it, as it arrives at the bench. The bench runs on the same cores: what it sends, and what it reads of the journal, is part of the load.`,
        `Counted: classified and de-duplicated. Routed: put into its group; of new alerts. One new device in ${CRITICAL_EVERY} is critical, and gets an incident with its channel.`,
        "By MQTT through the listener of nats-server: accepted is what that has on disk, from where the bridge takes it to the intake. Mosquitto accepts in memory, and has 20 messages under way to the bridge, as by default.",
        "Alertmanager: group_by [...], group_wait 0s; routed is the arrival of its notification at a webhook of the bench. Tocsin beside it: the same alerts, groupBy [...], lifeSafety.",
      ],
      notMeasured: ["Networks, TLS, several hosts, other brokers, full stores, classification by the text model."],
      failures: [...steady, ...peer, ...most, ...flooded].flatMap(({ what, missing }) =>
        missing === 0 ? [] : [`${what}: ${missing} reports did not arrive`],
      ),
      measurements: {
        steady: steady.map(allOf),
        peer: peer.map(allOf),
        most: most.map(allOf),
        flooded: flooded.map(allOf),
      },
    };
  },
};

/** @param broker devices report to it instead of nats-server's listener */
async function start({ root, cleanup }: BenchContext, broker?: Broker): Promise<Running> {
  const natsPort = await freePort();
  const mqttPort = broker?.port ?? (await freePort());
  const mqtt = broker === undefined ? { MQTT_PORT: String(mqttPort) } : { MQTT_URL: `mqtt://127.0.0.1:${mqttPort}` };
  const env = { NATS_PORT: String(natsPort), MQTT: "on", ...mqtt, RATE_LIMIT_PER_SECOND: "0" };
  const tocsin = await startTocsin({ root, durability: "sync", env }, cleanup);
  const ports = await openNats({ url: `127.0.0.1:${natsPort}`, replicas: 1 }, systemClock, systemIds, silent);
  const watch = await AlertWatch.start(ports);
  const receivers = [{ name: "desk", targets: [{ kind: "role", to: "dispatcher" }] }];
  const document = { route: { receivers: ["desk"], groupBy: ["..."], lifeSafety: true }, receivers };
  const { status } = await fetch(`${tocsin.url}/api/v1/routing`, {
    method: "PUT",
    headers: { authorization: `Bearer ${tocsin.token}`, "content-type": "application/json" },
    body: JSON.stringify({ document }),
  });
  if (status !== 200) throw new Error(`routing was not activated: ${status}`);
  return {
    tocsin,
    pids: tocsin.pids,
    watch,
    door: (way) => (way === "HTTP" ? httpDoor(tocsin) : way === "webhook" ? webhookDoor(tocsin) : mqttDoor(mqttPort)),
    async stop() {
      watch.stop();
      await ports.close();
      await tocsin.stop();
    },
  };
}

/** Mostly devices that report again. */
function mixed(index: number, newAs: string): Reported {
  if (index % NEW_EVERY !== 0) return { key: `d-${index % DEVICES}`, severity: "low" };
  return { key: `${newAs}-${index}`, severity: (index / NEW_EVERY) % CRITICAL_EVERY === 0 ? "critical" : "low" };
}

/** Several times, each with new devices of its own: the round in the middle by its p99 of what is routed. */
async function measure(context: BenchContext, of: Measurable, door: Door, sending: Sending): Promise<Repeated> {
  const rounds: Measured[] = [];
  for (let round = 0; round < context.rounds; round++) {
    const measured = await measureOnce(of, door, context.seconds, sending, `n${round}`);
    rounds.push(measured);
    tell(context, measured);
  }
  const p99 = ({ routed }: Measured) => routed?.at(99) ?? 0;
  const inOrder = [...rounds].sort((one, other) => p99(one) - p99(other));
  const missing = rounds.reduce((sum, round) => sum + round.missing, 0);
  return { ...inOrder[Math.floor(rounds.length / 2)]!, missing, rounds };
}

/** Sends at a rate by one door, and waits until all has arrived. */
async function measureOnce(
  { pids, watch }: Measurable,
  door: Door,
  seconds: number,
  { what, perSecond, report, batch = 1 }: Sending,
  newAs: string,
): Promise<Measured> {
  watch.begin();
  const accepted = new Times();
  let underWay = 0;
  let failed: unknown;
  const endOfCpu = countCpu(pids);
  await atRate(perSecond / batch, seconds, (request, atMs) => {
    const reports = Array.from({ length: batch }, (_, index) => report(request * batch + index, newAs));
    for (const { key } of reports) watch.sending(key, atMs);
    underWay += 1;
    void door
      .send(reports)
      .then(
        () => accepted.record(atMs),
        (error: unknown) => {
          failed = error;
        },
      )
      .then(() => {
        underWay -= 1;
      });
  });
  const cores = endOfCpu();
  // Only looked at now and then: their times are told by the watch.
  const giveUpAt = performance.now() + DRAIN_MS;
  while ((underWay > 0 || watch.open > 0) && performance.now() < giveUpAt && failed === undefined) await sleep(20);
  if (failed !== undefined) throw failed;
  const { counted, routed, incidents } = watch;
  return { what, perSecond, accepted, counted, routed, incidents, missing: watch.open, cores };
}

/** Every device of the steady mix is known afterwards. */
async function introduce(watch: Arrivals, door: Door): Promise<void> {
  for (let from = 0; from < DEVICES; from += BATCH) {
    const reports = Array.from({ length: BATCH }, (_, index) => ({ key: `d-${from + index}`, severity: "low" }));
    for (const { key } of reports) watch.sending(key, performance.now());
    await door.send(reports);
  }
}

async function warmUp({ watch }: Running, door: Door, seconds: number): Promise<void> {
  watch.isMeasuring = false;
  await introduce(watch, door);
  // As it will run: what a server does seldom is not compiled yet, and compiling takes the cores that are measured.
  await atRate(RATE, WARM_UPS * seconds, (index, atMs) => {
    const report = mixed(index, "w");
    watch.sending(report.key, atMs);
    void door.send([report]);
  });
  await until(
    () => watch.open === 0,
    () => `${watch.open} reports of the warm-up in the journal`,
  );
  // What is written behind the warm-up must not be within what is measured, and nothing tells of its end.
  await sleep(500);
  watch.isMeasuring = true;
}

/** Nothing where there is no such broker. */
async function steadily(context: BenchContext, way: Way): Promise<readonly Repeated[]> {
  const isByBroker = way === "MQTT, Mosquitto";
  const broker = isByBroker ? await startMosquitto(context.root, context.cleanup) : undefined;
  if (isByBroker && broker === undefined) return [];
  const running = await start(context, broker);
  try {
    const door = await running.door(way);
    if (way.startsWith("MQTT")) await comesThrough(running, door);
    await warmUp(running, door, context.warmUpSeconds);
    const measured = await measure(context, running, door, { what: way, perSecond: RATE, report: mixed });
    await door.close();
    return [measured];
  } finally {
    await running.stop();
    await broker?.stop();
  }
}

/** A broker keeps nothing for who has never subscribed: until something has come, more is sent that nobody waits for. */
async function comesThrough({ tocsin }: Running, door: Door): Promise<void> {
  await until(
    async () => {
      await door.send([{ key: "first", severity: "low" }]);
      return (await metricOf(tocsin, "mqtt_messages_done")) > 0;
    },
    () => "a report by the broker",
  );
}

/** Alertmanager, then Tocsin, with the same alerts. */
async function beside(context: BenchContext): Promise<readonly Repeated[]> {
  const report = (index: number, newAs: string): Reported => ({ key: `${newAs}-${index}`, severity: "low" });
  const all: Repeated[] = [];
  for (const perSecond of context.quick ? [RATE] : [RATE, 2 * RATE]) {
    const peer = await byPeer(context, { what: PEER, perSecond, report });
    if (peer !== undefined) all.push(peer);
    all.push(await byHttp(context, { what: "Tocsin, HTTP", perSecond, report }));
  }
  return all;
}

/** One, then the other, each up to the rate that it cannot bear. */
async function sustained(context: BenchContext): Promise<readonly Repeated[]> {
  const all: Repeated[] = [];
  const upTo = async (what: string, by: typeof byPeer, last: (measured: Measured) => Times | undefined) => {
    for (const perSecond of context.quick ? RATES.slice(0, 1) : RATES) {
      const measured = await by(context, { what, perSecond, report: mixed, batch: BATCH });
      if (measured === undefined) return;
      all.push(measured);
      if ((last(measured)?.at(99) ?? Number.POSITIVE_INFINITY) > P99_MAX_MS) return;
    }
  };
  await upTo(PEER, byPeer, ({ routed }) => routed);
  await upTo("Tocsin, HTTP", byHttp, ({ counted }) => counted);
  return all;
}

/** By Alertmanager; undefined where it is not to be had. */
async function byPeer(context: BenchContext, sending: Sending): Promise<Repeated | undefined> {
  const peer: Peer | undefined = await startAlertmanager(context.root, context.cleanup);
  if (peer === undefined) return;
  try {
    if (sending.report === mixed) await introduce(peer, peer);
    await peer.arrived();
    return await measure(context, { pids: peer.pids, watch: peer }, peer, sending);
  } finally {
    await peer.close();
  }
}

/** By a Tocsin of its own. */
async function byHttp(context: BenchContext, sending: Sending): Promise<Repeated> {
  const running = await start(context);
  try {
    const door = await running.door("HTTP");
    await warmUp(running, door, context.warmUpSeconds);
    const measured = await measure(context, running, door, sending);
    await door.close();
    return measured;
  } finally {
    await running.stop();
  }
}

async function flood(
  context: BenchContext,
): Promise<readonly (Repeated & { readonly acceptedPerSecond: number; readonly waiting: number })[]> {
  const running = await start(context);
  try {
    const [door, floods] = [await running.door("HTTP"), await running.door("HTTP")];
    await warmUp(running, door, context.warmUpSeconds);
    let isOver = false;
    let accepted = 0;
    let next = 0;
    const startedMs = performance.now();
    const lane = async () => {
      while (!isOver) {
        const reports = Array.from({ length: FLOOD_BATCH }, () => ({ key: `d-${next++ % DEVICES}`, severity: "low" }));
        await floods.send(reports);
        accepted += reports.length;
      }
    };
    const flooding = Promise.all(Array.from({ length: 4 }, lane));
    const report = (index: number, newAs: string): Reported => ({ key: `c${newAs}-${index}`, severity: "critical" });
    const sending = { what: "critical", perSecond: CRITICAL_PER_SECOND, report };
    const measured = await measure(context, running, door, sending);
    isOver = true;
    await flooding;
    const acceptedPerSecond = Math.round((accepted * 1_000) / (performance.now() - startedMs));
    const waiting = await metricOf(running.tocsin, "alert_reports_waiting");
    await door.close();
    await floods.close();
    return [{ ...measured, acceptedPerSecond, waiting }];
  } finally {
    await running.stop();
  }
}

async function metricOf({ url }: Tocsin, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^tocsin_${name} (\\S+)`, "m").exec(text)?.[1] ?? Number.NaN);
}

/** By Tocsin's own process, or by Alertmanager's. */
const ofItself = (cores: CoresUsed | undefined) =>
  cores?.byProgram["node"] ?? cores?.byProgram["prometheus-alertmanager"];

function tell(
  { progress }: BenchContext,
  { what, perSecond, accepted, counted, routed, incidents, missing }: Measured,
): void {
  const p99 = (times: Times | undefined) => rounded(times?.at(99)) ?? "-";
  progress(
    `${what}, ${perSecond}/s: p99 accepted ${p99(accepted)}, counted ${p99(counted)}, routed ${p99(routed)}, ` +
      `incident ${p99(incidents)} ms${missing > 0 ? `; ${missing} missing` : ""}`,
  );
}
