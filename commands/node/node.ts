import { existsSync, readFileSync } from "node:fs";
import { reactions, registry, views } from "../../actors/registry.ts";
import { AlertEngine } from "../../bridges/alerts/engine.ts";
import { Silence } from "../../bridges/alerts/silence.ts";
import { Courier } from "../../bridges/notify/courier.ts";
import { Reachable } from "../../bridges/notify/private-addresses.ts";
import { notifying } from "../../bridges/notify/reactions.ts";
import { OsrmTravelTimes } from "../../bridges/osrm/travel-times.ts";
import { PostgresArchive } from "../../bridges/postgres/archive.ts";
import { ArchiveReader } from "../../bridges/postgres/reader.ts";
import { Pusher } from "../../bridges/push/pusher.ts";
import { pushReactions } from "../../bridges/push/reactions.ts";
import { routingReactions } from "../../bridges/routing/reactions.ts";
import { incidentsOf } from "../../gateways/alerts/incidents.ts";
import { AlertIntake } from "../../gateways/alerts/intake.ts";
import { SourceSecrets } from "../../gateways/alerts/secrets.ts";
import { Webhooks } from "../../gateways/alerts/webhooks.ts";
import { Executor } from "../../gateways/executor.ts";
import { Authenticator } from "../../gateways/http/authentication.ts";
import { Metrics } from "../../gateways/http/metrics.ts";
import { HttpServer } from "../../gateways/http/server.ts";
import { LiveGateway } from "../../gateways/ws/server.ts";
import { Board } from "../../runtime/board.ts";
import { readCheckpoint } from "../../runtime/checkpoint.ts";
import { Client, clientDefaults } from "../../runtime/client.ts";
import { committerDefaults } from "../../runtime/commit.ts";
import { Coverage } from "../../runtime/coverage.ts";
import { Departures, departureDefaults } from "../../runtime/departures.ts";
import { Host, hostDefaults } from "../../runtime/host.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { NumberDispenser } from "../../runtime/numbers.ts";
import { agreeOnPartitions } from "../../runtime/placement/leases.ts";
import type { Log } from "../../runtime/ports/index.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { Presence } from "../../runtime/presence/presence.ts";
import { Vault } from "../../runtime/vault/vault.ts";
import { acceptShortenedJournal } from "../../runtime/wholeness.ts";
import type { Address } from "../../schema/subjects.ts";
import { ArchiveKeeper, type Surroundings } from "./archive-keeper.ts";
import { classificationOf } from "./classification.ts";
import type { Configuration } from "./configuration.ts";
import { keysOf, sourcesKeyOf, writeAdminToken } from "./keys.ts";
import { checkChannelKeys, restoreCounters, restoreDeadlines } from "./lost-parts.ts";
import { masterKeySource, prepareMasterKey } from "./master-key.ts";
import { mqttBridgeOf } from "./mqtt.ts";
import { type MqttListener, mqttListener } from "./mqtt-listener.ts";
import { NatsServer, stopLeftOver } from "./nats-server.ts";
import { preparePush } from "./push.ts";
import { runAll } from "./run-all.ts";
import { StorageKeeper } from "./storage-keeper.ts";
import { loadTextClassifier } from "./text-model.ts";

/** The same whether this runs from its source or from dist/. */
function readVersion(): string {
  let folder = new URL("./", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("../", folder);
  return JSON.parse(readFileSync(new URL("package.json", folder), "utf8")).version;
}

const packageVersion = readVersion();

export interface Node {
  readonly ports: NatsPorts;
  readonly host: Host;
  readonly client: Client;
  readonly board: Board;
  readonly live: LiveGateway;
  /** undefined without an archive. */
  readonly archive: ArchiveKeeper | undefined;
  readonly tokenFile: string | undefined;
  readonly url: string;
  /** Where devices connect, of the server that was started; undefined without. */
  readonly mqttPort: number | undefined;
  stop(): Promise<void>;
}

/** Starts all of one node, in the order in which each part needs those before it; stops them in the other. */
export async function startNode(configuration: Configuration, log: Log, say: (line: string) => void): Promise<Node> {
  const keys = keysOf(configuration);
  const stops: (() => Promise<void>)[] = [];
  const stop = () => runAll(stops.splice(0).reverse());
  try {
    return await assemble(configuration, log, say, keys, stops, stop);
  } catch (error) {
    await stop().catch((also) => log.error({ error: also }, "what had been started could not all be stopped"));
    throw error;
  }
}

async function assemble(
  configuration: Configuration,
  log: Log,
  say: (line: string) => void,
  keys: ReturnType<typeof keysOf>,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<Node> {
  const { HOST, PORT, DURABILITY, PARTITIONS, HOST_ID } = configuration;
  const { url, server, mqtt } = await natsOf(configuration, log, say, stops);
  const streams = await openNats({ url, replicas: configuration.REPLICAS }, systemClock, systemIds, log);
  stops.push(() => streams.close());
  let archive: ArchiveKeeper | undefined;
  const departed = configuration.ARCHIVE === "off" ? undefined : new PostgresArchive(() => archive?.url);
  stops.push(async () => departed?.close());
  const ports: NatsPorts = departed === undefined ? streams : Object.assign(streams, { archive: departed });
  const storage = new StorageKeeper(ports.connection.writes, log, server, configuration.DATA_DIR);
  stops.push(() => storage.stop());
  await agreeOnPartitions(ports, PARTITIONS);
  const masterKey = masterKeySource(configuration);
  await prepareMasterKey(masterKey, ports, configuration.MASTER_KEY_LOST !== undefined, say);
  const vault = new Vault(ports.keys, () => masterKey.load());

  const push = await preparePush(configuration, ports, masterKey.load());

  const coverage = new Coverage(await readCheckpoint(ports));
  const board = new Board(registry, views, ports, coverage);
  const presence = new Presence(ports);
  await presence.start();
  stops.push(() => presence.stop());
  const defaults = hostDefaults(HOST_ID, PARTITIONS);
  const batchFrom = server?.hasCheapBatches === true ? BATCH_FROM_IN_MEMORY : committerDefaults.groupMin;
  const committer = { ...committerDefaults, durability: DURABILITY, groupMin: batchFrom };
  const host = new Host(registry, ports, board, coverage, {
    ...defaults,
    committer,
    reactions: [
      ...reactions,
      ...routingReactions(board, ports.clock),
      ...notifying,
      ...pushReactions(board, ports.clock, presence.view),
    ],
  });
  const client = new Client(ports, { ...clientDefaults, partitions: PARTITIONS }, host);
  if (configuration.SHORTENED_JOURNAL === "accept") await acceptShortenedJournal(ports);
  say("restoring the board …");
  await board.start((shown, of) => say(`restoring the board: ${Math.round((100 * shown) / of)} % of the journal`));
  stops.push(async () => board.stop());
  const intake = new AlertIntake(ports, board, batchFrom);
  const numbers = new NumberDispenser(ports.numbers, systemClock);
  const textClassifier = loadTextClassifier(configuration.CLASSIFIER_MODEL);
  const classification = classificationOf(board, ports, textClassifier);
  stops.push(() => classification.stop());
  const reader = readerOf(configuration, () => archive?.url, stops);
  const secrets = new SourceSecrets(sourcesKeyOf(configuration, keys));
  const webhooks = new Webhooks({ board, client, clock: systemClock, intake, secrets });
  const services = {
    ports,
    registry,
    client,
    board,
    views,
    numbers,
    intake,
    textClassifier,
    vault,
    presence,
    push,
    archive: reader,
    secrets,
    webhooks,
    travelTimes: travelTimesOf(configuration, log),
  };
  const tokenFile = await writeAdminToken(keys, configuration);
  const executor = new Executor(services, configuration.RATE_LIMIT_PER_SECOND);
  const authenticator = new Authenticator(keys, systemClock);
  // Before anything is committed here: it follows the journal from where the board is.
  const live = await LiveGateway.start({ ...services, executor, authenticator });
  await checkChannelKeys(board, ports, configuration.MASTER_KEY_LOST !== undefined);
  await restoreCounters(board, ports);
  await restoreDeadlines(board, ports, PARTITIONS);
  await host.start();
  stops.push(() => host.stop());
  const engine = new AlertEngine({
    ports,
    client,
    board,
    owns: (address) => host.owns(address),
    classify: classification.classify,
    incidents: incidentsOf(services),
  });
  new Silence({ ...services, owns: (address) => host.owns(address) }).start();
  engine.start();
  stops.push(() => engine.stop());

  const bridge = mqttBridgeOf(configuration, mqtt, {
    ports,
    board,
    intake,
    executor,
    owns: (address) => host.owns(address),
  });
  bridge?.start();
  stops.push(async () => bridge?.stop());
  const courier = new Courier({
    ...{ ports, board, client, vault, secrets },
    reachable: new Reachable(configuration.WEBHOOK_NETWORKS),
    owns: (address) => host.owns(address),
    publish: () => bridge?.publish,
  });
  stops.push(async () => courier.stop());
  const { providers, addresses } = push;
  const owns = (address: Address) => host.owns(address);
  const pusher = new Pusher({ ports, client, board, owns, providers, addresses });
  pusher.start();
  stops.push(async () => pusher.stop());

  archive = archiveOf(configuration, {
    natsUrl: url,
    config: ports.config,
    journalSequence: () => board.sequence,
    log,
  });
  archive?.start();
  stops.push(async () => archive?.stop());
  const departures = departuresOf(configuration, { ports, departed, board, client, host });
  departures?.start();
  stops.push(async () => departures?.stop());

  const figures = () => ({
    ...host.figures,
    boardRows: board.size,
    boardSequence: board.sequence,
    ...live.figures,
    ...intake.figures,
    ...engine.figures,
    ...classification.figures,
    ...bridge?.figures,
    ...courier.figures,
    ...departures?.figures,
    ...pusher.figures,
  });
  const isReady = () =>
    ports.connected && storage.trouble === undefined && host.healthy && host.leases.valid && host.leases.owned > 0;
  const health = () => ({
    ready: isReady(),
    details: {
      ...(storage.trouble === undefined ? {} : { storage: storage.trouble }),
      natsConnected: ports.connected,
      natsServer: ports.connection.serverVersion,
      // A server of our own is configured by us; another one's operator has to know.
      durability: server === undefined ? `${DURABILITY} (as the server at ${url} is configured)` : DURABILITY,
      archive: archive?.details() ?? "off",
      mqtt: bridge === undefined ? "off" : (configuration.MQTT_URL ?? `listening on 127.0.0.1:${mqtt?.port}`),
      push: push.health,
      ...figures(),
    },
  });
  const http = new HttpServer(ports, executor, authenticator, new Metrics(figures), health, {
    host: HOST,
    port: PORT,
    version: packageVersion,
    attach: (app) => live.attach(app),
  });
  await http.start();
  stops.push(() => http.stop());
  stops.push(() => live.stop());
  return {
    ports,
    host,
    client,
    board,
    live,
    archive,
    tokenFile,
    mqttPort: mqtt?.port,
    url: `http://${HOST.includes(":") ? `[${HOST}]` : HOST}:${PORT}`,
    stop,
  };
}

function travelTimesOf({ TRAVEL_TIME_URL }: Configuration, log: Log): OsrmTravelTimes | undefined {
  return TRAVEL_TIME_URL === undefined ? undefined : new OsrmTravelTimes(TRAVEL_TIME_URL, systemClock, log);
}

function archiveOf(configuration: Configuration, around: Surroundings): ArchiveKeeper | undefined {
  return configuration.ARCHIVE === "off" ? undefined : new ArchiveKeeper(configuration, around);
}

function departuresOf(
  { JOURNAL_DAYS }: Configuration,
  of: { ports: NatsPorts; departed: PostgresArchive | undefined; board: Board; client: Client; host: Host },
): Departures | undefined {
  const { ports, departed, board, client, host } = of;
  if (departed === undefined || JOURNAL_DAYS === 0) return undefined;
  const restMs = JOURNAL_DAYS * DAY_MS;
  const options = { ...departureDefaults, everyMs: Math.min(departureDefaults.everyMs, restMs), restMs };
  return new Departures(registry, { ...ports, archive: departed }, board, client, (to) => host.owns(to), options);
}

const DAY_MS = 86_400_000;

/** So many messages are written faster as one atomic batch than one by one, where the server puts it together in memory. */
const BATCH_FROM_IN_MEMORY = 5;

/** Answers from the archive, once it is there. */
function readerOf(
  { ARCHIVE }: Configuration,
  url: () => string | undefined,
  stops: (() => Promise<void>)[],
): ArchiveReader | undefined {
  if (ARCHIVE === "off") return;
  const database = () => {
    const connectionString = url();
    return connectionString === undefined ? undefined : { connectionString };
  };
  const reader = new ArchiveReader(database);
  stops.push(() => reader.close());
  return reader;
}

async function natsOf(
  { NATS_URL, NATS_SERVER, NATS_PORT, DATA_DIR, DURABILITY, BATCH_STAGING, MQTT, MQTT_URL, MQTT_PORT }: Configuration,
  log: Log,
  say: (line: string) => void,
  stops: (() => Promise<void>)[],
): Promise<{ readonly url: string; readonly server?: NatsServer; readonly mqtt?: MqttListener | undefined }> {
  if (NATS_URL !== undefined) return { url: NATS_URL };
  say("starting nats-server …");
  // Before a port is looked for: it may hold ours, and devices must find us where we were.
  await stopLeftOver(DATA_DIR);
  const mqtt = MQTT === "on" && MQTT_URL === undefined ? await mqttListener(MQTT_PORT) : undefined;
  const options = {
    binary: NATS_SERVER ?? "nats-server",
    dataDir: DATA_DIR,
    port: NATS_PORT,
    sync: DURABILITY === "sync",
    mqtt,
    batchStaging: BATCH_STAGING,
  };
  const server = new NatsServer(options, log);
  await server.start();
  stops.push(() => server.stop());
  return { url: server.url, server, mqtt };
}
