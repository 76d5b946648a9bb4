import type { HeartbeatState, KnownHeartbeat } from "../../actors/heartbeat/definition.ts";
import type { AlertIntake, Report } from "../../gateways/alerts/intake.ts";
import type { Board } from "../../runtime/board.ts";
import { chainHash } from "../../runtime/chain.ts";
import type { Client } from "../../runtime/client.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { parseEnvelope } from "../../schema/envelope.ts";
import type { Heart, HeartbeatEvent } from "../../schema/heartbeat.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import type { Address } from "../../schema/subjects.ts";

/** The type of the alert that nothing is heard of a device. */
const NO_DATA = "no_data";

const by = systemPrincipal("alerts");
const TELLS: ReadonlySet<string> = new Set([
  "heartbeat.silent",
  "heartbeat.returned",
  "heartbeat.due",
] satisfies HeartbeatEvent["type"][]);

/** The actor of a device that should be heard of. */
export function heartOf({ agencyId, source, deviceId }: Heart): Address {
  return { kind: "heartbeat", id: chainHash(JSON.stringify([agencyId, source.scope, deviceId])) };
}

export interface SilenceParts {
  readonly ports: Ports;
  readonly board: Board;
  readonly client: Client;
  readonly intake: AlertIntake;
  readonly owns: (address: Address) => boolean;
}

/** Raises an alert of a device that should report and does not, and ends it when the device is heard of again. */
export class Silence {
  readonly #parts: SilenceParts;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
  }

  start(): void {
    const { board, owns, ports } = this.#parts;
    board.onEntry((address, { payload }) => {
      if (address.kind !== "heartbeat" || !owns(address)) return;
      if (!parseEnvelope(payload).events.some(({ type }) => TELLS.has(type))) return;
      // What is not told here is asked for again by the device's own deadline.
      this.#tell(address).catch((error: unknown) =>
        ports.log.warn({ error }, "a silent device was not told of yet; it will be"),
      );
    });
  }

  async #tell(address: Address): Promise<void> {
    const { board, client, intake } = this.#parts;
    const it = board.get(address)?.state as HeartbeatState | undefined;
    if (it?.phase !== "known" || it.toTell === null) return;
    const { about, since } = it.toTell;
    // Told twice, it is one report.
    await intake.take([reportOf(it, about, since)], { id: chainHash(`${address.id} ${about} ${since}`), ids: [] });
    const told = { type: "told", about, since };
    const reply = await client.ask(address, told, { by, requestId: address.id });
    if (!reply.ok) throw new Error(`${reply.code}: ${reply.detail}`);
  }
}

function reportOf({ heart }: KnownHeartbeat, about: "silent" | "returned", since: string): Report {
  const { agencyId, source, deviceId, silentAfterMs } = heart;
  const common = {
    agencyId,
    source: { scope: `silence-${chainHash(source.scope).slice(0, 32)}`, name: source.name },
    // Somebody has to look after the device; nobody's house is on fire.
    policy: { incidentFrom: null, autoResolveAfterMs: null },
    by: by.subject,
    requestId: `silence-${since}`,
    nature: "actual" as const,
    dedupKey: `${NO_DATA} ${deviceId ?? ""}`,
  };
  if (about === "returned") return { ...common, action: "resolve" };
  return {
    ...common,
    action: "trigger",
    content: {
      type: NO_DATA,
      severity: "high",
      title: `Nothing is heard of ${deviceId ?? source.name}`.slice(0, 255),
      description: `The last report came at ${since}; it should come every ${silentAfterMs / 1_000} seconds.`,
      ...{ nature: "actual", deviceId, location: null, areas: [], labels: {}, details: {} },
      occurredAt: since,
      expiresAt: null,
    },
  };
}
