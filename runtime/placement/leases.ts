import { pause } from "../pause.ts";
import type { Ports } from "../ports/index.ts";
import { winner } from "./partition.ts";

export interface LeaseOptions {
  /** Two processes with one host id must never run at once; a restarted one takes its old partitions at once. */
  readonly hostId: string;
  readonly partitions: number;
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** Taken off the lease's end, for clocks that run apart and for what is on its way. */
  readonly marginMs: number;
}

export const leaseDefaults = { ttlMs: 2_000, renewEveryMs: 500, marginMs: 250 };

export interface LeaseEvents {
  gained(partition: number): void;
  /** Resolves once nothing of the partition is left here: then it is handed over. */
  leaving(partition: number): Promise<void>;
  /** It is gone already: whoever has it now may be writing. */
  lost(partition: number): void;
}

const HOST = "host.";
const PARTITION = "partition.";
/** Ends a host's value once it hands over: it still owns what it has, and should own nothing. */
const LEAVING = ":leaving";

/**
 * Who owns which partition. A host's key with a TTL says that it lives; a partition's key names its owner, and changes by
 * compare-and-set alone. Rendezvous hashing over the living hosts says who should own it: the owner hands over what should
 * be another's, and whoever should own it takes what nobody living owns.
 *
 * For liveness only: two hosts that both believe they own a partition cannot both commit, because of the fence.
 */
export class Leases {
  readonly #ports: Ports;
  readonly #options: LeaseOptions;
  readonly #events: LeaseEvents;
  readonly #incarnation: string;
  /** What each living host's key says. */
  readonly #livingHosts = new Map<string, string>();
  readonly #owners = new Map<number, { readonly host: string; readonly revision: number }>();
  readonly #mine = new Set<number>();
  readonly #onMove = new Map<number, Set<() => void>>();
  #hostRevision = 0;
  #validUntilMs = 0;
  #stopping = false;
  #stopWatching: () => void = () => undefined;
  #cancelTick: () => void = () => undefined;
  #reconciling: Promise<void> | undefined;
  #again = false;

  constructor(ports: Ports, options: LeaseOptions, events: LeaseEvents) {
    this.#ports = ports;
    this.#options = options;
    this.#events = events;
    this.#incarnation = ports.ids.token();
  }

  /** True while this host's clock says that nobody else may own the partition. */
  owns(partition: number): boolean {
    return this.#mine.has(partition) && this.#ports.clock.monotonicMs() < this.#validUntilMs;
  }

  /** The owner as far as is known here; undefined while there is none. */
  ownerOf(partition: number): string | undefined {
    const owner = this.#owners.get(partition)?.host;
    return owner !== undefined && this.#livingHosts.has(owner) ? owner : undefined;
  }

  /**
   * Tells when another process than now owns the partition: what the old one was asked and has not answered may never be.
   * @returns what ends the telling
   */
  onMove(partition: number, callback: () => void): () => void {
    const callbacks = this.#onMove.get(partition) ?? new Set();
    this.#onMove.set(partition, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  /** By its own clock this host still holds its lease; false when it could not be renewed in time. */
  get valid(): boolean {
    return this.#ports.clock.monotonicMs() < this.#validUntilMs;
  }

  get owned(): number {
    return this.#mine.size;
  }

  get partitions(): number {
    return this.#options.partitions;
  }

  async start(): Promise<void> {
    this.#hostRevision = (await this.#ports.leases.get(HOST + this.#options.hostId))?.revision ?? 0;
    await this.#renew();
    this.#stopWatching = await this.#ports.leases.watch((key, entry) =>
      this.#seen(key, entry?.value, entry?.revision ?? 0),
    );
    await this.#reconcile();
    this.#tick();
  }

  /** Hands over all partitions and goes. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // The others may then take each partition as soon as it is handed over, while the rest is still worked on here.
    if (!(await this.#renew())) await this.#renew();
    await this.#reconcile();
    this.#cancelTick();
    this.#stopWatching();
    this.#validUntilMs = 0;
    await this.#ports.leases.delete(HOST + this.#options.hostId).catch(() => undefined);
  }

  /** Forgets everything at once, as a killed process does: only the simulator's. */
  crash(): void {
    this.#cancelTick();
    this.#stopWatching();
    this.#mine.clear();
  }

  #tick(): void {
    this.#cancelTick = this.#ports.clock.after(this.#options.renewEveryMs, () => {
      void this.#renew()
        .then(() => this.#reconcile())
        .finally(() => {
          if (!this.#stopping) this.#tick();
        });
    });
  }

  get #value(): string {
    return this.#stopping ? this.#incarnation + LEAVING : this.#incarnation;
  }

  /** @returns false when it may not have been renewed */
  async #renew(): Promise<boolean> {
    const { hostId, ttlMs, marginMs } = this.#options;
    // Counted from before the request is sent: the server's own count can only start later.
    const sentMs = this.#ports.clock.monotonicMs();
    const key = HOST + hostId;
    try {
      const put = { key, value: this.#value, expectedRevision: this.#hostRevision };
      const result = await this.#ports.leases.putExpiring(put, ttlMs);
      if (result.ok) {
        this.#hostRevision = result.revisions[0]!;
        this.#validUntilMs = sentMs + ttlMs - marginMs;
        return true;
      }
      // It expired, an unanswered renewal got through, or another process goes by this name.
      const current = await this.#ports.leases.get(key);
      if (current !== undefined && !current.value.startsWith(this.#incarnation) && this.#validUntilMs > 0) {
        this.#ports.log.error({ hostId }, "another process runs under this host id: giving up its partitions");
        this.#loseAll();
        return false;
      }
      // While it was gone, others may have taken what was ours, and that we hear of it may take its time.
      if (current === undefined) this.#loseAll();
      this.#hostRevision = current?.revision ?? 0;
    } catch (error) {
      this.#ports.log.warn({ error }, "the lease could not be renewed");
    }
    return false;
  }

  #loseAll(): void {
    this.#validUntilMs = 0;
    for (const partition of [...this.#mine]) this.#lose(partition);
  }

  #lose(partition: number): void {
    if (this.#mine.delete(partition)) this.#events.lost(partition);
  }

  #seen(key: string, value: string | undefined, revision: number): void {
    if (key.startsWith(HOST)) {
      const host = key.slice(HOST.length);
      const before = this.#livingHosts.get(host);
      if (value === before) return;
      if (value === undefined) this.#livingHosts.delete(host);
      else {
        this.#livingHosts.set(host, value);
        // Restarted under its old name: what the process before was asked is forgotten.
        if (!value.startsWith(before ?? value)) {
          for (const [partition, owner] of this.#owners) if (owner.host === host) this.#moved(partition);
        }
      }
    } else if (key.startsWith(PARTITION)) {
      const partition = Number(key.slice(PARTITION.length));
      // What we have changed ourselves is known before the watch tells of what was before it.
      if (revision < (this.#owners.get(partition)?.revision ?? 0)) return;
      this.#ownedBy(partition, value ?? "", revision);
      if (value !== this.#options.hostId) this.#lose(partition);
    }
    void this.#reconcile();
  }

  #ownedBy(partition: number, host: string, revision: number): void {
    const before = this.#owners.get(partition)?.host;
    this.#owners.set(partition, { host, revision });
    if (host !== "" && host !== before) this.#moved(partition);
  }

  #moved(partition: number): void {
    for (const callback of [...(this.#onMove.get(partition) ?? [])]) callback();
  }

  /** One at a time; what is seen meanwhile leads to one more round. */
  #reconcile(): Promise<void> {
    this.#again = true;
    this.#reconciling ??= (async () => {
      try {
        while (this.#again) {
          this.#again = false;
          await this.#round();
        }
      } finally {
        this.#reconciling = undefined;
      }
    })();
    return this.#reconciling;
  }

  async #round(): Promise<void> {
    const { hostId, partitions } = this.#options;
    const candidates = new Set<string>([hostId]);
    for (const [host, value] of this.#livingHosts) if (!value.endsWith(LEAVING)) candidates.add(host);
    if (this.#stopping) candidates.delete(hostId);
    await Promise.all(
      Array.from({ length: partitions }, (_, partition) => this.#place(partition, winner(partition, candidates) ?? "")),
    );
  }

  async #place(partition: number, should: string): Promise<void> {
    const { hostId } = this.#options;
    const now = this.#owners.get(partition);
    const isOurs = now?.host === hostId;
    if (isOurs && should !== hostId) await this.#handOver(partition, now.revision);
    else if (should === hostId && !this.#mine.has(partition) && (isOurs || !this.#livingHosts.has(now?.host ?? "")))
      await this.#claim(partition, now?.revision ?? 0);
  }

  #gain(partition: number): void {
    if (this.#mine.has(partition)) return;
    this.#mine.add(partition);
    this.#events.gained(partition);
  }

  /**
   * Also what is said to be ours, by the process before this one or before the lease lapsed: whoever took it since has
   * changed its key. Only after the host's own key is there: whoever sees us own something must see first that we live.
   */
  async #claim(partition: number, expectedRevision: number): Promise<void> {
    if (!this.valid) return;
    const revision = await this.#setOwner(partition, this.#options.hostId, expectedRevision);
    if (revision === undefined) return;
    this.#gain(partition);
    this.#ownedBy(partition, this.#options.hostId, revision);
  }

  async #handOver(partition: number, expectedRevision: number): Promise<void> {
    if (this.#mine.has(partition)) {
      await this.#events.leaving(partition);
      this.#lose(partition);
    }
    const revision = await this.#setOwner(partition, "", expectedRevision);
    if (revision !== undefined) this.#ownedBy(partition, "", revision);
  }

  async #setOwner(partition: number, host: string, expectedRevision: number): Promise<number | undefined> {
    try {
      const put = { key: PARTITION + partition, value: host, expectedRevision };
      const result = await this.#ports.leases.put([put]);
      return result.ok ? result.revisions[0] : undefined;
    } catch (error) {
      // Whether it happened is seen by the watch; the next round tries again.
      this.#ports.log.warn({ partition, error }, "a partition could not change hands");
      return undefined;
    }
  }
}

/** P is fixed when the cluster is made. @throws when this node was started with another one */
export async function agreeOnPartitions(ports: Ports, partitions: number): Promise<void> {
  const key = "partitions";
  for (let attempt = 0; attempt < 5; attempt++) {
    const known = await ports.config.get(key);
    if (known !== undefined) {
      if (Number(known.value) === partitions) return;
      throw new Error(
        `this cluster was made with ${known.value} partitions, this node was started with ${partitions}: set PARTITIONS=${known.value}`,
      );
    }
    await ports.config.put([{ key, value: String(partitions), expectedRevision: 0 }]);
    await pause(ports.clock, 10);
  }
  throw new Error("the number of partitions could not be agreed on");
}
