import { registry } from "../../actors/registry.ts";
import { evolve } from "../../runtime/actor.ts";
import { chainHash } from "../../runtime/chain.ts";
import { advance, blankImage, type Image } from "../../runtime/image.ts";
import { ENVELOPE_VERSION, type Envelope } from "../../schema/envelope.ts";
import { subjects } from "../../schema/subjects.ts";
import type { BenchCase, BenchContext } from "../case.ts";
import { bencher, createIncident, type Direct, startDirect } from "../load/direct.ts";
import { programOf, residentMegabytes, treeOf } from "../load/processes.ts";
import { rounded } from "../load/statistics.ts";

/** What actors cost while nobody asks them, and what it takes to have them back. */
export const state: BenchCase = {
  name: "state",
  describe: "Memory of idle actors, start with a long journal, and the first message to an actor that sleeps.",

  async run(context) {
    const actors = context.quick ? 10_000 : 100_000;
    const events = context.quick ? 100_000 : 1_000_000;
    const memory = await idleMemory(context, actors);
    const restart = await restartTime(context, events);
    return {
      tables: [
        {
          title: `Memory at ${actors} idle actors`,
          columns: ["node, empty: MB", "node, with them: MB", "KB an actor", "nats-server, with them: MB"],
          rows: [[memory.emptyMb, memory.fullMb, memory.kbPerActor, memory.serverMb]],
        },
        {
          title: `Start with a journal of ${events} entries, none of them in a snapshot`,
          columns: ["seconds until ready", "entries/s"],
          rows: [[rounded(restart.startMs / 1_000), rounded((events / restart.startMs) * 1_000)]],
        },
        {
          title: "First message to a sleeping actor of ten entries, one at a time, over NATS",
          columns: ["p50 ms", "p99 ms", "the same actors, awake: p50 ms", "p99 ms"],
          rows: [[restart.cold.p50, restart.cold.p99, restart.warm.p50, restart.warm.p99].map(rounded)],
        },
      ],
      notes: [
        "Memory is resident memory after the actors were made, their board rows and recent command ids included; the heap's slack is in it.",
        "The journal is written in one go by the bench, so that there are no snapshots to start from: the slowest start there is.",
      ],
      notMeasured: ["Start from snapshots.", "Activation under load."],
      failures: [],
      measurements: { memory, restart },
    };
  },
};

async function idleMemory(context: BenchContext, actors: number) {
  const direct = await startDirect({ root: context.root, durability: "replicated" }, context.cleanup);
  const empty = memoryOf(direct);
  let made = 0;
  while (made < actors) {
    const from = made;
    const batch = Math.min(500, actors - made);
    await Promise.all(Array.from({ length: batch }, (_, index) => createIncident(direct, from + index)));
    made += batch;
    if (made % 20_000 === 0) context.progress(`${made} of ${actors} actors`);
  }
  // Until the snapshots are written: what waits for that is not idle.
  for (;;) {
    const health = (await (await fetch(`${direct.tocsin.url}/health/ready`)).json()) as { snapshotBacklog: number };
    if (health.snapshotBacklog === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const full = memoryOf(direct);
  await direct.stop();
  return {
    emptyMb: rounded(empty.node),
    fullMb: rounded(full.node),
    kbPerActor: rounded(((full.node - empty.node) * 1_024) / actors),
    serverMb: rounded(full.server),
  };
}

function memoryOf({ tocsin }: Direct): { readonly node: number; readonly server: number } {
  const megabytes = (program: string) =>
    treeOf(tocsin.pids)
      .filter(({ pid }) => programOf(pid) === program)
      .reduce((sum, { pid }) => sum + residentMegabytes(pid), 0);
  return { node: megabytes("node"), server: megabytes("nats-server") };
}

const EVENTS_EACH = 10;

async function restartTime(context: BenchContext, events: number) {
  const dataDir = await context.cleanup.folder("tocsin-journal");
  const options = { root: context.root, durability: "replicated", dataDir } as const;
  const first = await startDirect(options, context.cleanup);
  const ids = await writeJournal(first, events / EVENTS_EACH, (line) => context.progress(line));
  await first.stop();
  const second = await startDirect(options, context.cleanup);
  context.progress(`ready after ${Math.round(second.tocsin.startMs)} ms`);
  const some = ids.filter((_, index) => index % Math.ceil(ids.length / 2_000) === 0);
  const read = async (index: number) => {
    const reply = await second.client.read({ kind: "incident", id: some[index % some.length]! }, bencher, "bench");
    if (!reply.ok) throw new Error(reply.detail);
  };
  const timed = async () => {
    const latencies: number[] = [];
    for (let index = 0; index < some.length; index++) {
      const started = performance.now();
      await read(index);
      latencies.push(performance.now() - started);
    }
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))]!;
    return { p50: at(0.5), p99: at(0.99) };
  };
  const cold = await timed();
  const warm = await timed();
  await second.stop();
  return { startMs: second.tocsin.startMs, cold, warm };
}

/** Envelopes as the runtime itself writes them, chain and all, in large batches. */
async function writeJournal({ ports }: Direct, incidents: number, progress: (line: string) => void): Promise<string[]> {
  const definition = registry.get("incident")!;
  const ids: string[] = [];
  const perBatch = 100;
  for (let made = 0; made < incidents; made += perBatch) {
    const images = new Map<string, Image>();
    for (let index = 0; index < perBatch; index++) images.set(ports.ids.uuidV7(), blankImage(definition));
    ids.push(...images.keys());
    for (let version = 1; version <= EVENTS_EACH; version++) {
      const drafts = [...images].map(([id, image]) => draft(id, image, version));
      const result = await ports.journal.append(drafts.map(({ append }) => append));
      if (!result.ok) throw new Error("the journal refused the bench's own entries");
      for (const [index, { id, after }] of drafts.entries()) images.set(id, after(result.sequences[index]!));
    }
    if (made % 10_000 === 0) progress(`${made * EVENTS_EACH} entries of ${incidents * EVENTS_EACH}`);
  }
  return ids;

  function draft(id: string, image: Image, version: number) {
    const created = {
      type: "incident.created",
      agencyId: "default",
      incidentNumber: id,
      fields: {
        type: "fire",
        category: "fire",
        priority: 1,
        title: "t",
        description: null,
        location: null,
        address: null,
        parentId: null,
        metadata: {},
      },
      reportedById: null,
      sourceAlertId: null,
    };
    const noted = { type: "incident.noted", note: `remark ${version}` };
    const envelope: Envelope = {
      v: ENVELOPE_VERSION,
      kind: "incident",
      id,
      agency: "default",
      version,
      commandId: `${id}-${version}`,
      at: "2026-01-01T00:00:00.000Z",
      by: "bench",
      prev: image.hash,
      events: [version === 1 ? created : noted],
    };
    const payload = JSON.stringify(envelope);
    const state = evolve(definition, image.state, envelope.events, { ...envelope, previous: image.sequence });
    return {
      id,
      append: {
        subject: subjects.events("default", { kind: "incident", id }),
        payload,
        expectedSequence: image.sequence,
      },
      after: (sequence: number) => advance(image, envelope, state, sequence, chainHash(payload)),
    };
  }
}
