import { it } from "vitest";
import type { KeyValue } from "../ports/index.ts";
import { SimProcess } from "../sim/process.ts";
import { SimServer } from "../sim/server.ts";
import { World } from "../sim/world.ts";
import { Leases, leaseDefaults } from "./leases.ts";

const PARTITIONS = 8;

/** Leases whose server cannot be heard: what is sent fails, what it tells comes once it can be heard again. */
class Severed {
  readonly leases: KeyValue;
  severed = false;
  deaf = false;
  #held: (() => void)[] = [];

  constructor(of: KeyValue) {
    const unlessSevered = <T>(call: () => Promise<T>) => (this.severed ? Promise.reject(new Error("severed")) : call());
    this.leases = {
      get: (key) => unlessSevered(() => of.get(key)),
      put: (puts) => unlessSevered(() => of.put(puts)),
      putExpiring: (put, ttlMs) => unlessSevered(() => of.putExpiring(put, ttlMs)),
      delete: (key) => unlessSevered(() => of.delete(key)),
      forget: (key, revision) => unlessSevered(() => of.forget(key, revision)),
      entries: () => of.entries(),
      watch: (onChange) =>
        of.watch((key, entry) => {
          if (this.deaf) this.#held.push(() => onChange(key, entry));
          else onChange(key, entry);
        }),
    };
  }

  hear(): void {
    this.deaf = false;
    for (const tell of this.#held.splice(0)) tell();
  }
}

const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const ownedBy = (leases: Leases) => all.filter((partition) => leases.owns(partition));

it("a host whose lease has lapsed owns nothing that another has had since, however late it hears of that", async () => {
  const world = new World(1);
  const server = new SimServer(world);
  const line = new Severed(server.bucket("leases"));
  /** Who gained each partition last: what anybody else remembers of it is the past. */
  const latest = new Map<number, string>();
  const leasesOf = (hostId: string, leases: KeyValue) => {
    const { ports } = new SimProcess(server, hostId);
    const gained = (partition: number) => void latest.set(partition, hostId);
    const events = { gained, leaving: async () => undefined, lost: () => undefined };
    return new Leases({ ...ports, leases }, { ...leaseDefaults, hostId, partitions: PARTITIONS }, events);
  };
  const hosts = { h1: leasesOf("h1", line.leases), h2: leasesOf("h2", server.bucket("leases")) };
  const { h1: one, h2: other } = hosts;
  const neverInThePast = () => {
    for (const [name, leases] of Object.entries(hosts)) {
      const past = ownedBy(leases).filter((partition) => latest.get(partition) !== name);
      if (past.length > 0) throw new Error(`at ${world.nowMs} ms ${name} owns ${past}, which another has had since`);
    }
  };
  /** Lets time pass until it is so. */
  const until = async (isSo: () => boolean) => {
    await world.run(() => {
      neverInThePast();
      return isSo();
    }, 60_000);
  };
  const after = (ms: number) => {
    const then = world.nowMs + ms;
    world.at(ms, () => undefined);
    return () => world.nowMs >= then;
  };

  void one.start();
  void other.start();
  const shared = () => ownedBy(one).length > 0 && ownedBy(other).length > 0;
  await until(() => shared() && ownedBy(one).length + ownedBy(other).length === PARTITIONS);
  line.severed = line.deaf = true;
  await until(() => ownedBy(other).length === PARTITIONS);
  line.severed = false;
  await until(() => one.valid);
  await until(after(5_000));
  line.hear();
  await until(() => shared() && ownedBy(one).length + ownedBy(other).length === PARTITIONS);
});
