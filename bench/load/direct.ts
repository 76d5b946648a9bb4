import { Client, clientDefaults } from "../../runtime/client.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { PARTITIONS_DEFAULT } from "../../runtime/placement/partition.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import type { Cleanup } from "./cleanup.ts";
import { freePort } from "./free-port.ts";
import { type Durability, startTocsin, type Tocsin } from "./server.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const bencher = { subject: "bench", agencies: ["default"], roles: ["admin"] } as const;

/** A running node, and a client that asks its actors over NATS from this process. */
export interface Direct {
  readonly tocsin: Tocsin;
  readonly ports: NatsPorts;
  readonly client: Client;
  stop(): Promise<void>;
}

export async function startDirect(
  options: { readonly root: string; readonly durability: Durability; readonly dataDir?: string },
  cleanup: Cleanup,
): Promise<Direct> {
  const port = await freePort();
  const tocsin = await startTocsin({ ...options, env: { NATS_PORT: String(port) } }, cleanup);
  const ports = await openNats({ url: `127.0.0.1:${port}`, replicas: 1 }, systemClock, systemIds, silent);
  const client = new Client(ports, { ...clientDefaults, partitions: PARTITIONS_DEFAULT });
  const stop = async () => {
    await ports.close();
    await tocsin.stop();
  };
  return { tocsin, ports, client, stop };
}

/** A new incident's actor, by a command over NATS. @throws when it is refused */
export async function createIncident({ client, ports }: Direct, index: number): Promise<string> {
  const id = ports.ids.uuidV7();
  const command = {
    type: "create",
    agencyId: "default",
    incidentNumber: `BENCH-${index}`,
    fields: {
      type: "structure_fire",
      category: "fire",
      priority: 2,
      title: "Smoke from the roof at 12 Example Street",
      description: null,
      location: { lat: 37.77, lon: -122.42 },
      address: { street: "12 Example Street", city: "Exampleton" },
      parentId: null,
      metadata: {},
    },
    reportedById: null,
    sourceAlertId: null,
  };
  const reply = await client.ask({ kind: "incident", id }, command, { by: bencher, requestId: "bench", fresh: true });
  if (!reply.ok) throw new Error(`${reply.code}: ${reply.detail}`);
  return id;
}
