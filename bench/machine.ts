import { execFileSync } from "node:child_process";
import { statfs } from "node:fs/promises";
import os from "node:os";
import { diskFolder } from "./load/cleanup.ts";

/** What the figures were measured on. Nothing that names the machine itself. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly filesystem: string;
  readonly node: string;
  readonly natsServer: string;
}

export async function describeMachine(): Promise<Machine> {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() || "unknown",
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 1e9),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    filesystem: await filesystem(),
    node: process.version,
    natsServer: natsServerVersion() ?? "not found",
  };
}

/** Of the one that the server of the project is told to start. */
function natsServerVersion(): string | undefined {
  try {
    const output = execFileSync(process.env.NATS_SERVER ?? "nats-server", ["--version"], {
      encoding: "utf8",
      timeout: 5_000,
    });
    return output.trim().replace(/^nats-server: v?/, "");
  } catch {
    return undefined;
  }
}

/** Of the stores' folders: what fsync costs depends on it. Numbers from statfs(2). */
async function filesystem(): Promise<string> {
  if (process.platform !== "linux") return "unknown";
  const known: Readonly<Record<number, string>> = {
    61267: "ext4",
    1481003842: "xfs",
    2435016766: "btrfs",
    2035054128: "overlay",
    16914836: "tmpfs (in memory: fsync costs nothing)",
    801189825: "zfs",
  };
  const { type } = await statfs(await diskFolder());
  return known[type] ?? `type 0x${type.toString(16)}`;
}
