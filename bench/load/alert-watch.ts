import { setTimeout as sleep } from "node:timers/promises";
import { build, type Histogram } from "hdr-histogram-js";
import type { NatsPorts } from "../../runtime/nats/open.ts";
import { addressOfEvents } from "../../schema/subjects.ts";

const LONGEST_US = 120_000_000;

/** How long something took, from when it was to be sent. */
export class Times {
  readonly #histogram: Histogram = build({ highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: 3 });

  record(fromMs: number): void {
    const us = Math.round((performance.now() - fromMs) * 1_000);
    this.#histogram.recordValue(Math.min(LONGEST_US, Math.max(1, us)));
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Milliseconds. */
  at(percentile: number): number | undefined {
    return this.count === 0 ? undefined : this.#histogram.getValueAtPercentile(percentile) / 1_000;
  }
}

interface Event {
  readonly type: string;
  readonly record?: { readonly dedupKey: string };
  readonly alert?: { readonly id: string };
  readonly sourceAlertId?: string | null;
}

/** When what was sent has arrived. */
export interface Arrivals {
  readonly counted: Times;
  readonly routed: Times;
  readonly incidents: Times;
  /** To be said before it is sent. */
  sending(key: string, atMs: number): void;
  /** Forgets all times so far. */
  begin(): void;
  /** Reports that were sent and have not arrived yet. */
  readonly open: number;
}

/**
 * Reads the journal as it grows, and measures when each report has arrived there: counted in its alert (classified and
 * de-duplicated), put into its group (routed), its incident made. Reports of a key are counted in the order in which they are sent.
 */
export class AlertWatch implements Arrivals {
  counted = new Times();
  routed = new Times();
  incidents = new Times();
  /** Of each key, when its reports were to be sent that are not counted yet. */
  readonly #sent = new Map<string, number[]>();
  readonly #keys = new Map<string, string>();
  /** When the first report of an alert was to be sent, until it is routed and, if it is to have one, has its incident. */
  readonly #first = new Map<string, number>();
  #stop: () => void = () => undefined;
  isMeasuring = true;

  static async start(ports: NatsPorts): Promise<AlertWatch> {
    const watch = new AlertWatch();
    const last = await ports.journal.lastSequence();
    watch.#stop = await ports.journal.follow(
      last,
      ({ subject, payload }) => watch.#see(subject, payload),
      () => undefined,
    );
    return watch;
  }

  stop(): void {
    this.#stop();
  }

  begin(): void {
    this.counted = new Times();
    this.routed = new Times();
    this.incidents = new Times();
  }

  sending(key: string, atMs: number): void {
    const sent = this.#sent.get(key);
    if (sent === undefined) this.#sent.set(key, [atMs]);
    else sent.push(atMs);
  }

  get open(): number {
    let open = 0;
    for (const sent of this.#sent.values()) open += sent.length;
    return open;
  }

  #see(subject: string, payload: string): void {
    const address = addressOfEvents(subject);
    if (address?.kind !== "alert" && address?.kind !== "alertgroup" && address?.kind !== "incident") return;
    const repeats = repeatsIn(payload);
    // Most of what comes: reading it whole would cost the cores that are measured.
    if (repeats > 0 && !payload.includes(RECEIVED)) {
      for (let repeat = 0; repeat < repeats; repeat++) this.#count(address.id, false);
      return;
    }
    for (const event of (JSON.parse(payload) as { readonly events: readonly Event[] }).events) {
      if (event.type === "alert.received") {
        this.#keys.set(address.id, event.record!.dedupKey);
        this.#count(address.id, true);
      } else if (event.type === "alert.repeated") this.#count(address.id, false);
      else if (event.type === "alertgroup.alert_put") this.#note(this.routed, event.alert!.id);
      else if (event.type === "incident.created" && event.sourceAlertId != null)
        this.#note(this.incidents, event.sourceAlertId);
    }
  }

  #count(id: string, isFirst: boolean): void {
    const sent = this.#sent.get(this.#keys.get(id) ?? "");
    const atMs = sent?.shift();
    if (atMs === undefined) return;
    if (this.isMeasuring) this.counted.record(atMs);
    if (isFirst) this.#first.set(id, atMs);
  }

  #note(times: Times, alertId: string): void {
    const atMs = this.#first.get(alertId);
    if (atMs !== undefined && this.isMeasuring) times.record(atMs);
  }
}

const RECEIVED = '"type":"alert.received"';
const REPEATED = '"type":"alert.repeated"';

function repeatsIn(payload: string): number {
  let repeats = 0;
  for (let at = payload.indexOf(REPEATED); at >= 0; at = payload.indexOf(REPEATED, at + REPEATED.length)) repeats += 1;
  return repeats;
}

/**
 * Sends at a rate, whatever comes back: a request that has to wait for a connection counts from when it was to be sent.
 * @param send is told which one it is, and when it was to be sent; how many it holds is up to it
 */
export async function atRate(
  perSecond: number,
  seconds: number,
  send: (index: number, atMs: number) => void,
): Promise<number> {
  const startedMs = performance.now();
  const all = Math.round(perSecond * seconds);
  let next = 0;
  while (next < all) {
    const due = Math.min(all, Math.floor(((performance.now() - startedMs) / 1_000) * perSecond));
    while (next < due) {
      send(next, startedMs + (next / perSecond) * 1_000);
      next += 1;
    }
    // The next ones are due by the clock; what a late timer has missed goes with the next turn.
    await sleep(1);
  }
  return all;
}

/** Runs tasks on a number of lanes; what finds none free waits in order. */
export class Lanes<Lane> {
  readonly #free: Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  readonly #lanes: number;

  constructor(lanes: readonly Lane[]) {
    this.#free = [...lanes];
    this.#lanes = lanes.length;
  }

  async run<T>(task: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = this.#free.pop() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)));
    try {
      return await task(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(lane);
      else next(lane);
    }
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#free.length === this.#lanes;
  }
}
