import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { Clock, Ids, Log } from "../ports/index.ts";
import type { Connection } from "./connection.ts";

/** What every port on NATS stands on. */
export interface NatsContext {
  readonly connection: Connection;
  /** Appends to the streams that are followed. It does not hear its own messages: what it hears is somebody else's. */
  readonly writer: Connection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}
