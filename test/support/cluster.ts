import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import { PARTITIONS_DEFAULT, partitionOf } from "../../runtime/placement/partition.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { newMasterKey } from "../../runtime/vault/master-keys.ts";
import type { Address } from "../../schema/subjects.ts";
import { HostProcess } from "./host-process.ts";
import { started } from "./running.ts";
import { freePort } from "./server.ts";

/** One nats-server in a process of its own, for hosts that each have their own name, port and data directory. */
export class Cluster {
  readonly nats: NatsServer;
  /** The test's own connection. */
  readonly ports: NatsPorts;
  readonly #folder: string;
  readonly #hosts: HostProcess[] = [];
  readonly #ended: () => void;

  private constructor(folder: string, nats: NatsServer, ports: NatsPorts) {
    this.#folder = folder;
    this.nats = nats;
    this.ports = ports;
    this.#ended = started(() => this.stop());
  }

  static async start(): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), "tocsin-cluster-"));
    writeFileSync(join(folder, "master.key"), newMasterKey(), { mode: 0o600 });
    writeFileSync(join(folder, "jwt.secret"), randomBytes(32).toString("base64url"), { mode: 0o600 });
    const binary = process.env["NATS_SERVER"] ?? "nats-server";
    // Campaigns kill it again and again: that is no reason to wait ever longer.
    const nats = new NatsServer({ binary, dataDir: folder, port: 0, sync: true, againMaxMs: 1_000 }, silent);
    try {
      await nats.start();
      const ports = await openNats({ url: nats.url, replicas: 1 }, systemClock, systemIds, silent);
      return new Cluster(folder, nats, ports);
    } catch (error) {
      await nats.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The secret that tokens of all its hosts are signed with. */
  get secretFile(): string {
    return join(this.#folder, "jwt.secret");
  }

  /** A host of this cluster, not yet started. */
  async host(id: string, more: Readonly<Record<string, string>> = {}): Promise<HostProcess> {
    const environment = {
      ...more,
      HOST_ID: id,
      NATS_URL: this.nats.url,
      JWT_SECRET_FILE: this.secretFile,
      MASTER_KEY_FILE: join(this.#folder, "master.key"),
    };
    const host = new HostProcess({ dataDir: join(this.#folder, id), port: await freePort(), environment });
    this.#hosts.push(host);
    return host;
  }

  /** The host that each partition's lease names; "" where it names none. */
  owners(): Promise<readonly string[]> {
    const keys = Array.from({ length: PARTITIONS_DEFAULT }, (_, partition) => `partition.${partition}`);
    return Promise.all(keys.map(async (key) => (await this.ports.leases.get(key))?.value ?? ""));
  }

  async ownerOf(address: Address): Promise<string> {
    return (await this.owners())[partitionOf(address, PARTITIONS_DEFAULT)]!;
  }

  /** Kills all that is left. */
  async stop(): Promise<void> {
    this.#ended();
    await Promise.all(this.#hosts.map((host) => host.kill("SIGKILL")));
    await this.ports.close();
    await this.nats.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
