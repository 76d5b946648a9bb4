import { pbkdf2Sync, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Certificates, hasOpenssl } from "../support/certificates.ts";
import { Mosquitto, mosquitto } from "../support/mosquitto.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let folder: string;
let broker: Mosquitto;
let server: TestServer;

/** As mosquitto_passwd writes it. */
function passwordLine(user: string, password: string): string {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, "sha512");
  return `${user}:$7$101$${salt.toString("base64")}$${hash.toString("base64")}\n`;
}

// Without Mosquitto `npm test` says why at its start; certificates are made by OpenSSL.
describe.skipIf(mosquitto === undefined || !hasOpenssl)("with a broker that speaks TLS and asks who we are", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tocsin-tls-"));
    const certificates = new Certificates(folder);
    certificates.issue("broker", "subjectAltName=IP:127.0.0.1");
    certificates.issue("bridge", "extendedKeyUsage=clientAuth");
    writeFileSync(join(folder, "passwords"), passwordLine("tocsin", "secret"));
    writeFileSync(join(folder, "password"), "secret\n");
    broker = await Mosquitto.start(mosquitto!, [
      "allow_anonymous false",
      `password_file ${folder}/passwords`,
      `cafile ${folder}/authority.pem`,
      `certfile ${folder}/broker.pem`,
      `keyfile ${folder}/broker.key`,
      "require_certificate true",
    ]);
    server = await TestServer.start({
      MQTT: "on",
      MQTT_URL: `mqtts://127.0.0.1:${broker.port}`,
      MQTT_VERSION: "5",
      MQTT_USERNAME: "tocsin",
      MQTT_PASSWORD_FILE: join(folder, "password"),
      MQTT_CA_FILE: join(folder, "authority.pem"),
      MQTT_CERT_FILE: join(folder, "bridge.pem"),
      MQTT_KEY_FILE: join(folder, "bridge.key"),
    });
  });
  afterAll(async () => {
    await server?.stop();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("what devices say by MQTT 5 comes in, and nobody gets in without both", async () => {
    const url = `mqtts://127.0.0.1:${broker.port}`;
    const ca = readFileSync(join(folder, "authority.pem"));
    const own = { cert: readFileSync(join(folder, "bridge.pem")), key: readFileSync(join(folder, "bridge.key")) };
    const credentials = { username: "tocsin", password: "secret" };
    const once = { ca, protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 5_000 } as const;
    await expect(connectAsync(url, { ...once, ...credentials })).rejects.toThrow();
    await expect(connectAsync(url, { ...once, ...own, ...credentials, password: "wrong" })).rejects.toThrow();
    const device = await connectAsync(url, { ...once, ...own, ...credentials });
    await until("the bridge is connected", async () => {
      return (await server.get("/metrics")).body.includes("tocsin_mqtt_connected 1");
    });
    await device.publishAsync("tocsin/default/alarm/panel/smoke/low", "Smoke", { qos: 1 });
    await until("it is there", async () => (await server.get("/api/v1/alerts?type=smoke")).body.items.length === 1);
    await device.endAsync();
  });
});
