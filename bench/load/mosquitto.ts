import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Cleanup } from "./cleanup.ts";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

export interface Broker {
  readonly port: number;
  stop(): Promise<void>;
}

/** Mosquitto as it is configured by default, but for its queue, which drops what is more than 1,000; undefined where there is none. */
export async function startMosquitto(root: string, cleanup: Cleanup): Promise<Broker | undefined> {
  const { peerFor } = await import(pathToFileURL(join(root, "scripts/setup/peers.mjs")).href);
  const program: string | undefined = peerFor(root, "mosquitto").MOSQUITTO;
  if (program === undefined) return;
  const folder = await cleanup.folder("mosquitto");
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    // Started by root it would go on as somebody who may not write here.
    `user ${userInfo().username}`,
    "persistence true",
    `persistence_location ${folder}/`,
    "max_queued_messages 0",
  ];
  const file = join(folder, "mosquitto.conf");
  await writeFile(file, `${lines.join("\n")}\n`);
  const child = cleanup.spawn(program, ["-c", file], { stdio: "ignore" });
  await until(
    () => listens(port),
    () => "Mosquitto listens",
  );
  return { port, stop: () => cleanup.stop(child) };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
