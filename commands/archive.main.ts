import { projections, registry } from "../actors/registry.ts";
import { trackColumns, trackProjection } from "../actors/resource/track-projection.ts";
import { Projector } from "../bridges/postgres/projector.ts";
import { openNats } from "../runtime/nats/open.ts";
import { systemClock, systemIds } from "../runtime/ports/system.ts";
import { readArchiveConfiguration } from "./archive/configuration.ts";
import { createLog } from "./node/log.ts";

/**
 * The role `postgres`: carries the streams into the archive, as a process of its own, so that what it computes is not
 * taken from dispatch. A node starts it as its child; it may as well run elsewhere, or several times.
 */
const configuration = readArchiveConfiguration(process.env);
const log = createLog(configuration.LOG_LEVEL);
const ports = await openNats(
  { url: configuration.NATS_URL, replicas: configuration.REPLICAS },
  systemClock,
  systemIds,
  log,
);
const projector = new Projector(
  {
    database: { connectionString: configuration.DATABASE_URL },
    sources: ports.sources,
    config: ports.config,
    registry,
    projections,
    track: { projection: trackProjection, columns: trackColumns },
    retentionDays: configuration.LOCATION_RETENTION_DAYS,
  },
  systemClock,
  log,
);
projector.start();

let stopping = false;
const stop = () => {
  if (stopping) return;
  stopping = true;
  void projector
    .stop()
    .then(() => ports.close())
    .then(() => process.exit(0))
    .catch(() => process.exit(1));
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
/** A killed node's nats-server goes with it or soon after: whoever waits for its answers would wait for ever. */
const ORPHAN_MS = 5_000;
const orphaned = () => {
  setTimeout(() => process.exit(1), ORPHAN_MS);
  stop();
};
// Its node is gone, however that came; perhaps while this process was coming up.
process.on("disconnect", orphaned);
if (process.send !== undefined && !process.connected) orphaned();
