import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { openNats } from "../../runtime/nats/open.ts";
import { type JournalEntry, NoResponder, type Ports } from "../../runtime/ports/index.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { SimProcess, silent } from "../../runtime/sim/process.ts";
import { EPOCH_MS, SimServer } from "../../runtime/sim/server.ts";
import { World } from "../../runtime/sim/world.ts";
import type { TelemetryRecord } from "../../schema/telemetry.ts";

interface Subject {
  readonly ports: Ports;
  /** Lets time pass until the promise settles. */
  until<T>(promise: Promise<T>): Promise<T>;
  now(): number;
  stop(): Promise<void>;
}

async function onNats(): Promise<Subject> {
  const dataDir = mkdtempSync(join(tmpdir(), "tocsin-ports-"));
  const binary = process.env["NATS_SERVER"] ?? "nats-server";
  const server = new NatsServer({ binary, dataDir, port: 0, sync: false }, silent);
  await server.start();
  const ports = await openNats({ url: server.url, replicas: 1 }, systemClock, systemIds, silent);
  const stop = async () => {
    await ports.close();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return { ports, until: (promise) => promise, now: () => Date.now(), stop };
}

async function onSimulator(): Promise<Subject> {
  const world = new World(1);
  const { ports } = new SimProcess(new SimServer(world), "p");
  const until = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    await new Promise<void>((resolve) => setImmediate(resolve));
    await world.run(() => settled, world.nowMs + 60_000);
    return promise;
  };
  return { ports, until, now: () => EPOCH_MS + world.nowMs, stop: async () => undefined };
}

/** What the runtime relies on, held against every implementation of its ports. */
describe.each([
  ["NATS", onNats],
  ["the simulator", onSimulator],
])("the ports on %s", (_name, open) => {
  let subject: Subject;
  const until = <T>(promise: Promise<T>) => subject.until(promise);
  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.stop());

  const append = (subjectName: string, payload: string, expectedSequence: number) => ({
    subject: subjectName,
    payload,
    expectedSequence,
  });

  it("scan several subjects in the journal's order, within bounds, and name the journal", async () => {
    const { journal } = subject.ports;
    const of = (name: string) => append(`evt.scan.incident.${name}`, name, 0);
    const made = await until(journal.append([of("a"), of("b"), append("evt.other.incident.c", "c", 0), of("d")]));
    const [first = 0, , , last = 0] = made.ok ? made.sequences : [];
    const scanned = async (subjects: string[], after: number, to: number) => {
      const found: JournalEntry[] = [];
      const all = (async () => {
        for await (const page of journal.scan(subjects, after, to)) found.push(...page);
      })();
      await until(all);
      return found.map(({ payload }) => payload).join("");
    };
    expect(await scanned(["evt.scan.incident.*"], first - 1, last)).toBe("abd");
    expect(await scanned(["evt.scan.incident.*", "evt.other.incident.c"], first, last - 1)).toBe("bc");
    expect(await scanned(["evt.scan.resource.*"], 0, last)).toBe("");
    expect(await scanned(["evt.scan.incident.*"], last, last)).toBe("");
    expect(await until(journal.entryAt(first))).toMatchObject({ sequence: first, payload: "a" });
    expect(await until(journal.entryAt(last + 1_000))).toBeUndefined();
    expect(await until(journal.identity())).toBe(await until(journal.identity()));
  });

  it("take reports in, once under an id, and hand them over in order, each after the one before was handled", async () => {
    const { intake } = subject.ports;
    const of = (payload: string, lane = "in") => ({ subject: `alert.${lane}.a.s`, payload });
    const [first] = await until(intake.append([of("a"), of("u", "urgent"), of("b")]));
    const again = first! + 3;
    expect(await until(intake.appendOnce([{ ...of("c"), id: "id" }]))).toEqual({ ok: true, sequences: [again] });
    expect(await until(intake.appendOnce([{ ...of("c"), id: "id" }]))).toEqual({ ok: false });
    const seen: string[] = [];
    let busy = false;
    let stop: () => void = () => undefined;
    await until(
      new Promise<void>((resolve, reject) => {
        const handle = async ({ payload, sequence, atMs }: { payload: string; sequence: number; atMs: number }) => {
          if (busy) reject(new Error("two at once"));
          if (Math.abs(atMs - subject.now()) > 60_000) reject(new Error(`its time is ${atMs}`));
          busy = true;
          await new Promise<void>((done) => subject.ports.clock.soon(done));
          busy = false;
          seen.push(payload);
          if (sequence === again) resolve();
        };
        void intake.follow("alert.in.>", first!, handle).then((stopIt) => {
          stop = stopIt;
        }, reject);
      }),
    );
    stop();
    expect(seen).toEqual(["b", "c"]);
  });

  it("keep none of several reports where one was there before, or two have the same id", async () => {
    const { intake } = subject.ports;
    const once = (...ids: readonly string[]) =>
      until(intake.appendOnce(ids.map((id) => ({ subject: `alert.once.a.${id[0]}`, payload: id, id }))));
    const [first] = await until(intake.append([{ subject: "alert.once.a.s", payload: "before" }]));
    const kept = (...after: readonly number[]) => ({ ok: true, sequences: after.map((count) => first! + count) });
    expect(await once("a1", "b1", "a2")).toEqual(kept(1, 2, 3));
    expect(await once("c1", "b1", "c2"), "one is known").toEqual({ ok: false });
    expect(await once("d1", "e1", "d1"), "twice in it").toEqual({ ok: false });
    expect(await once("c1")).toEqual(kept(4));
    expect(await once("b1")).toEqual({ ok: false });
    expect(await once("d1", "c2")).toEqual(kept(5, 6));
    const [one, other] = await Promise.all([once("f1", "f2"), once("f2", "f3")]);
    expect([one.ok, other.ok].sort(), "at the same time").toEqual([false, true]);
    expect(await until(intake.append([{ subject: "alert.once.a.s", payload: "after" }]))).toEqual([first! + 9]);
  });

  it("keep telemetry in order, and hand over what was kept of late and then all that comes", async () => {
    const { telemetry } = subject.ports;
    const of = (id: string, payload: string, agency = "a") => ({ of: { agency, kind: "resource", id }, payload });
    const kept = [of("1", "a"), of("2", '{"b": 1}'), of("1", "z", "other"), of("1", "c")];
    const sequences = await until(telemetry.append(kept));
    const [first, second, , fourth] = sequences;
    expect([first, second, fourth]).toEqual([first, second, fourth].sort((x, y) => x! - y!));
    expect(new Set(sequences).size).toBe(4);
    const seen: (TelemetryRecord & { sequence: number })[] = [];
    let stop: () => void = () => undefined;
    let wake: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await until(
      new Promise<void>((caughtUp, failed) => {
        telemetry
          .follow(
            3_600_000,
            (record) => {
              seen.push(record);
              if (record.payload === "e") wake();
            },
            caughtUp,
          )
          .then((handle) => {
            stop = handle;
          }, failed);
      }),
    );
    const inOrder = (records: readonly { sequence: number }[]) => [...records].sort((x, y) => x.sequence - y.sequence);
    expect(seen).toEqual(inOrder(kept.map((record, index) => ({ ...record, sequence: sequences[index]! }))));
    await until(telemetry.append([of("2", "d")]));
    await until(telemetry.append([of("3", "e")]));
    await until(arrived);
    expect(seen.map(({ payload }) => payload).slice(4)).toEqual(["d", "e"]);
    expect(seen).toEqual(inOrder(seen));
    stop();
  });

  it("append behind a fence, and refuse where it fails", async () => {
    const { journal } = subject.ports;
    const first = await until(journal.append([append("evt.a.incident.1", "one", 0)]));
    expect(first.ok).toBe(true);
    expect(await until(journal.append([append("evt.a.incident.1", "two", 0)]))).toEqual({ ok: false });
    const [sequence] = first.ok ? first.sequences : [];
    expect(await until(journal.append([append("evt.a.incident.1", "two", sequence!)]))).toMatchObject({ ok: true });
    expect((await until(journal.read("evt.*.incident.1", 0))).map(({ payload }) => payload)).toEqual(["one", "two"]);
    expect((await until(journal.read("evt.*.incident.1", sequence!))).map(({ payload }) => payload)).toEqual(["two"]);
    expect(await until(journal.read("evt.*.incident.1", 0, 1))).toHaveLength(1);
    expect(await until(journal.read("evt.*.incident.none", 0))).toEqual([]);
  });

  it("append to several actors all or nothing, and number them in order", async () => {
    const { journal } = subject.ports;
    const done = await until(journal.append([append("evt.a.incident.2", "x", 0), append("evt.a.resource.2", "y", 0)]));
    const [x, y] = done.ok ? done.sequences : [];
    expect(y).toBe(x! + 1);
    const before = await until(journal.lastSequence());
    const refused = await until(
      journal.append([append("evt.a.incident.2", "x2", x!), append("evt.a.resource.2", "y2", 0)]),
    );
    expect(refused).toEqual({ ok: false });
    const twice = await until(journal.append([append("evt.a.incident.9", "1", 0), append("evt.a.incident.9", "2", 0)]));
    expect(twice).toEqual({ ok: false });
    expect(await until(journal.lastSequence())).toBe(before);
  });

  it("hand over the journal in order, from any point, and go on with what comes", async () => {
    const { journal } = subject.ports;
    const seen: JournalEntry[] = [];
    let stop: () => void = () => undefined;
    await until(
      new Promise<void>((resolve, reject) => {
        journal
          .follow(1, (entry) => seen.push(entry), resolve)
          .then((given) => {
            stop = given;
          }, reject);
      }),
    );
    const last = await until(journal.lastSequence());
    expect(seen.map(({ sequence }) => sequence)).toEqual(Array.from({ length: last - 1 }, (_, index) => index + 2));
    await until(journal.append([append("evt.a.incident.3", "later", 0)]));
    await until(
      (async () => {
        while (seen.length < last) await new Promise<void>((resolve) => subject.ports.clock.after(5, resolve));
      })(),
    );
    expect(seen[seen.length - 1]?.payload).toBe("later");
    stop();
  });

  it("put behind a revision, all or nothing", async () => {
    const { state } = subject.ports;
    const made = await until(state.put([{ key: "incident.1", value: "a", expectedRevision: 0 }]));
    const [revision] = made.ok ? made.revisions : [];
    expect(await until(state.put([{ key: "incident.1", value: "b", expectedRevision: 0 }]))).toEqual({ ok: false });
    const puts = [
      { key: "incident.1", value: "b", expectedRevision: revision! },
      { key: "incident.2", value: "c", expectedRevision: 7_777 },
    ];
    expect(await until(state.put(puts))).toEqual({ ok: false });
    expect(await until(state.get("incident.1"))).toMatchObject({ value: "a", revision });
    expect(await until(state.get("incident.2"))).toBeUndefined();
    const entries: string[] = [];
    await until(
      (async () => {
        for await (const { key, value } of state.entries()) entries.push(`${key}=${value}`);
      })(),
    );
    expect(entries).toEqual(["incident.1=a"]);
  });

  it("let a key be made again after it was deleted, and tell watchers of both", async () => {
    const { config } = subject.ports;
    const seen: string[] = [];
    const stop = await until(config.watch((key, entry) => seen.push(`${key}=${entry?.value}`)));
    const put = { key: "k", value: "1", expectedRevision: 0 };
    // Each change is seen before the next is made: one that is overtaken may be skipped.
    const told = (count: number) =>
      until(
        (async () => {
          while (seen.length < count) await new Promise<void>((resolve) => subject.ports.clock.after(5, resolve));
        })(),
      );
    expect((await until(config.put([put]))).ok).toBe(true);
    await told(1);
    await until(config.delete("k"));
    await told(2);
    expect((await until(config.put([put]))).ok).toBe(true);
    await told(3);
    expect(seen).toEqual(["k=1", "k=undefined", "k=1"]);
    stop();
  });

  it("let an expiring key go by itself unless it is renewed, and tell watchers", async () => {
    const { leases } = subject.ports;
    const gone: string[] = [];
    const stop = await until(leases.watch((key, entry) => entry === undefined && gone.push(key)));
    const put = { key: "host.a", value: "x", expectedRevision: 0 };
    const made = await until(leases.putExpiring(put, 1_000));
    expect(await until(leases.putExpiring(put, 1_000))).toEqual({ ok: false });
    const [revision] = made.ok ? made.revisions : [];
    expect((await until(leases.putExpiring({ ...put, expectedRevision: revision! }, 1_000))).ok).toBe(true);
    await until(
      (async () => {
        while (gone.length < 1) await new Promise<void>((resolve) => subject.ports.clock.after(20, resolve));
      })(),
    );
    expect(await until(leases.get("host.a"))).toBeUndefined();
    expect((await until(leases.putExpiring(put, 1_000))).ok).toBe(true);
    stop();
  });

  it("ring at the time set, again when the handler fails, and only the last of a name", async () => {
    const { timers } = subject.ports;
    const rung: string[] = [];
    let failures = 1;
    const stop = await until(
      timers.onDue(async (payload) => {
        if (payload === "kept" && failures-- > 0) throw new Error("not this time");
        rung.push(payload);
      }),
    );
    const at = (delayMs: number) => new Date(subject.now() + delayMs).toISOString();
    const timer = { kind: "incident", id: "1", partition: 3 };
    await until(timers.set([{ ...timer, name: "a", at: at(150), payload: "replaced" }]));
    await until(
      timers.set([
        { ...timer, name: "a", at: at(300), payload: "kept" },
        { ...timer, name: "b", at: at(-1_000), payload: "overdue" },
      ]),
    );
    await until(
      (async () => {
        while (rung.length < 2) await new Promise<void>((resolve) => subject.ports.clock.after(20, resolve));
      })(),
    );
    expect(rung).toEqual(["overdue", "kept"]);
    stop();
  });

  it("carry requests to whoever serves a subject, and say so when nobody does", async () => {
    const { transport } = subject.ports;
    const stop = transport.serve("cmd.*.5.*", async (payload) => `${payload}!`);
    expect(await until(transport.request("cmd.incident.5.x", "hello", 1_000))).toBe("hello!");
    stop();
    await expect(until(transport.request("cmd.incident.6.x", "hello", 1_000))).rejects.toBeInstanceOf(NoResponder);
  });

  it("tell all who hear a subject at the moment, whoever tells it, and nobody later", async () => {
    const { transport, clock } = subject.ports;
    const heard: string[] = [];
    transport.tell("live.typing.a", "before anybody heard");
    const stops = ["live.typing.a", "live.typing.*", "live.typing.b"].map((of, index) =>
      transport.hear(of, (payload) => heard.push(`${index} ${payload}`)),
    );
    const wait = async (done: () => boolean) => {
      while (!done()) await new Promise<void>((resolve) => clock.after(5, resolve));
    };
    transport.tell("live.typing.a", "now");
    transport.tell("live.other.a", "elsewhere");
    await until(wait(() => heard.length >= 2));
    expect(heard.sort()).toEqual(["0 now", "1 now"]);
    stops[1]!();
    transport.tell("live.typing.a", "again");
    transport.tell("live.typing.b", "last");
    await until(wait(() => heard.includes("2 last")));
    expect(heard.sort()).toEqual(["0 again", "0 now", "1 now", "2 last"]);
    for (const stop of stops) stop();
  });

  it("count without doubles, and keep dead letters", async () => {
    const { numbers, deadLetters } = subject.ports;
    expect(await until(numbers.value("num.a.2026"))).toBe(0);
    expect(await until(numbers.reserve("num.a.2026", 3))).toBe(3);
    expect(await until(numbers.reserve("num.a.2026", 2))).toBe(5);
    expect(await until(numbers.value("num.a.2026"))).toBe(5);
    const letter = { kind: "incident", id: "1", reason: "r", at: "t", requestId: "q", message: { op: "read" } };
    await until(deadLetters.put(letter));
    const [kept] = await until(deadLetters.list(10));
    expect(kept).toMatchObject(letter);
    await until(deadLetters.put({ ...letter, id: "2" }));
    await until(deadLetters.put({ ...letter, id: "3" }));
    const pageOf = async (limit: number, after: number) =>
      (await until(deadLetters.list(limit, after))).map(({ id }) => id);
    expect(await pageOf(1, kept!.sequence)).toEqual(["2"]);
    expect(await pageOf(10, kept!.sequence)).toEqual(["2", "3"]);
    for (const { sequence } of await until(deadLetters.list(10))) await until(deadLetters.remove(sequence));
    expect(await until(deadLetters.list(10))).toEqual([]);
  });
});
