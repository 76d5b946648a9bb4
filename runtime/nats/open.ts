import {
  DiscardPolicy,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { lanes } from "../../schema/alert.ts";
import { buckets, intakePositionKey, streams } from "../../schema/subjects.ts";
import type { Clock, Ids, Log, Ports } from "../ports/index.ts";
import type { StreamSource } from "../stream-source.ts";
import { Connection } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import { NatsDeadLetters } from "./dead-letters.ts";
import { type Following, StreamFeed } from "./feed.ts";
import { NatsIntake } from "./intake.ts";
import { NatsJournal } from "./journal.ts";
import { NatsKeyValue } from "./key-value.ts";
import { NatsNumbers } from "./numbers.ts";
import { NatsStreamSource } from "./stream-source.ts";
import { NatsTelemetry } from "./telemetry.ts";
import { NatsTimers } from "./timers.ts";
import { NatsTransport } from "./transport.ts";

export interface NatsOptions {
  readonly url: string;
  /** Copies of every stream: 1 on one machine, 3 in a cluster. Never 2: half of a pair cannot outvote the other. */
  readonly replicas: number;
}

export interface NatsPorts extends Ports {
  readonly connection: Connection;
  /** For those who read at their own pace. */
  readonly sources: Readonly<Record<"events" | "locations" | "alerts", StreamSource>>;
  /** Names of streams that were not there. */
  readonly made: ReadonlySet<string>;
  /** All connections are up. */
  readonly connected: boolean;
  /** How it is known what comes after: from ourselves, while nobody else writes, or by reading. */
  readonly following: { readonly events: Following; readonly locations: Following };
  close(): Promise<void>;
}

/** How long an Idempotency-Key of a creation is known. Any later, a repetition is a new request. */
const REQUEST_TTL_MS = 24 * 3_600_000;

/** Who is there is said again well before. */
const PRESENCE_TTL_MS = 120_000;

/** Fixes older than this matter to history alone; the last of each unit is kept apart. */
const LOCATIONS_AGE_MS = 3 * 24 * 3_600_000;

/** Reports as they came are kept so long; what they have led to stays in the journal. */
const ALERTS_AGE_MS = 7 * 24 * 3_600_000;

/** A report that its sender repeats under the same id within this time is kept once. */
const ALERTS_REPEAT_MS = 15 * 60_000;

/** More messages than can come between two notes of how far the engine is. */
const SEQUENCES_UNNOTED = 1_000_000;

/** `allow_*` flags newer than the client's types are passed on as they are. */
type StreamWanted = { readonly name: string; readonly subjects: readonly string[] } & Omit<
  Partial<StreamConfig>,
  "name" | "subjects"
> & { readonly allow_msg_counter?: boolean; readonly allow_msg_schedules?: boolean };

/** Connects, and makes the streams and buckets that are not there. */
export async function openNats(options: NatsOptions, clock: Clock, ids: Ids, log: Log): Promise<NatsPorts> {
  const connection = await Connection.open(options.url, clock, log, ids.token());
  const writer = await Connection.open(options.url, clock, log, ids.token(), {
    echo: false,
    writes: connection.writes,
  });
  const { nc } = connection;
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc);
  const nats: NatsContext = { connection, writer, js, jsm, clock, ids, log };
  const made = new Set<string>();
  const stream = async (config: StreamWanted) => {
    if (await ensureStream(jsm, options, config)) made.add(config.name);
  };
  // The journal: no limit by age or size, and nothing that could remove an actor's last message, which is its fence.
  await stream({ ...streams.events, allow_atomic: true, deny_delete: true, duplicate_window: 100_000_000 });
  await stream({ ...streams.locations, max_age: LOCATIONS_AGE_MS * 1_000_000 });
  await stream({
    ...streams.timers,
    allow_atomic: true,
    allow_msg_schedules: true,
    // What rang and was handled is of no more use; what is set stays until it rings.
    retention: RetentionPolicy.Workqueue,
  });
  await stream({ ...streams.numbers, allow_msg_counter: true });
  await stream({ ...streams.dead, max_msgs: 100_000, discard: DiscardPolicy.Old });

  const kvm = new Kvm(nc);
  const bucket = async (name: string, kvOptions: object): Promise<NatsKeyValue> => {
    const kv: KV = await kvm.create(name, {
      history: 1,
      replicas: options.replicas,
      storage: StorageType.File,
      ...kvOptions,
    });
    const { config } = await jsm.streams.info(`KV_${name}`);
    if (!config.allow_atomic) await jsm.streams.update(`KV_${name}`, { ...config, allow_atomic: true });
    return new NatsKeyValue(nats, kv, name);
  };
  const config = await bucket(buckets.config, {});
  await stream({
    ...streams.alerts,
    allow_atomic: true,
    max_age: ALERTS_AGE_MS * 1_000_000,
    duplicate_window: ALERTS_REPEAT_MS * 1_000_000,
    first_seq: await aboveAllSequences(config),
  });
  const events = new StreamFeed(nats, streams.events);
  const locations = new StreamFeed(nats, streams.locations);
  return {
    connection,
    made,
    get connected() {
      return connection.connected && writer.connected;
    },
    get following() {
      return { events: events.following, locations: locations.following };
    },
    clock,
    ids,
    log,
    sources: {
      events: NatsStreamSource.ofRecords(nats, streams.events.name),
      locations: NatsStreamSource.ofPacks(nats, streams.locations.name),
      alerts: NatsStreamSource.ofPacks(nats, streams.alerts.name),
    },
    journal: new NatsJournal(nats, events),
    telemetry: await NatsTelemetry.open(nats, locations),
    intake: new NatsIntake(nats),
    state: await bucket(buckets.state, {}),
    readings: await bucket(buckets.readings, {}),
    leases: await bucket(buckets.leases, { markerTTL: 10_000 }),
    config,
    requests: await bucket(buckets.requests, { ttl: REQUEST_TTL_MS }),
    keys: await bucket(buckets.keys, {}),
    presence: await bucket(buckets.presence, { ttl: PRESENCE_TTL_MS, markerTTL: 10_000 }),
    timers: new NatsTimers(nats),
    transport: new NatsTransport(connection),
    numbers: new NatsNumbers(connection, jsm),
    deadLetters: new NatsDeadLetters(connection, jsm),
    close: async () => {
      events.stop();
      locations.stop();
      await Promise.all([writer.close(), connection.close()]);
    },
  };
}

/**
 * Alerts know the reports that they have had by their sequences: a stream that was lost and is made again must not count
 * from one, or every new report would be taken for an old one.
 */
async function aboveAllSequences(config: NatsKeyValue): Promise<number> {
  const noted = await Promise.all(
    lanes.map(async (lane) => Number((await config.get(intakePositionKey(lane)))?.value ?? 0)),
  );
  const highest = Math.max(...noted);
  return highest === 0 ? 1 : highest + SEQUENCES_UNNOTED;
}

/** @returns true when it was not there */
async function ensureStream(jsm: JetStreamManager, { replicas }: NatsOptions, config: StreamWanted): Promise<boolean> {
  const wanted = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    allow_direct: true,
    num_replicas: replicas,
    ...config,
    subjects: [...config.subjects],
  };
  try {
    await jsm.streams.info(config.name);
    return false;
  } catch {
    await jsm.streams.add(wanted);
    return true;
  }
}
