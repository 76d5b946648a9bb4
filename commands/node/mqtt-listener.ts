import { randomBytes } from "node:crypto";
import { createServer } from "node:net";

/** The MQTT listener of the nats-server that we start: on this machine alone, so that a device can be tried at once. */
export interface MqttListener {
  readonly port: number;
  /** By which our own bridge, and nobody else, may say what units are sent to. */
  readonly password: string;
}

export const BRIDGE_USER = "bridge";
const USUAL_PORT = 1883;

/** @param wanted undefined: the usual port where that is free; 0: any free one */
export async function mqttListener(wanted: number | undefined): Promise<MqttListener> {
  const port = await freePort(wanted ?? USUAL_PORT).catch((error: unknown) => {
    if (wanted === undefined) return freePort(0);
    throw new Error(`MQTT_PORT ${wanted} cannot be listened on: ${error instanceof Error ? error.message : error}`);
  });
  return { port, password: randomBytes(24).toString("base64url") };
}

function freePort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(port, "127.0.0.1", () => {
      const { port: found } = probe.address() as { port: number };
      probe.close(() => resolve(found));
    });
  });
}

/**
 * Every subject of the server can be named as an MQTT topic. So whoever connects by MQTT without being our bridge may say
 * what devices and units say, hear what units are sent to, and nothing else: the journal is out of reach.
 */
export function mqttLines({ port, password }: MqttListener): readonly string[] {
  const devices = ["fundamentum.>", "tocsin.*.alarm.>", "tocsin.*.units.*.location", "tocsin.*.units.*.status"];
  return [
    "authorization {",
    "  users: [",
    // What connects by NATS is on this machine and ours, as before.
    `    { user: "local", password: ${JSON.stringify(password)} }`,
    `    { user: ${JSON.stringify(BRIDGE_USER)}, password: ${JSON.stringify(password)}, permissions: {`,
    '        publish: { allow: ["tocsin.>", "fundamentum.>"] } } }',
    '    { user: "devices", password: "", permissions: {',
    `        publish: { allow: ${JSON.stringify(devices)} }`,
    '        subscribe: { allow: ["tocsin.*.units.*.dispatch", "tocsin.*.notifications.>", "$MQTT.sub.>"] } } }',
    "  ]",
    "}",
    'no_auth_user: "local"',
    "mqtt {",
    `  listen: "127.0.0.1:${port}"`,
    '  no_auth_user: "devices"',
    "}",
  ];
}
