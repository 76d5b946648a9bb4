import { readFileSync } from "node:fs";
import { type BridgeParts, MqttBridge } from "../../bridges/mqtt/bridge.ts";
import type { SessionOptions } from "../../bridges/mqtt/session.ts";
import { builtInMqttTopics, type MqttTopic, mqttTopics } from "../../schema/mqtt.ts";
import type { Configuration } from "./configuration.ts";
import { BRIDGE_USER, type MqttListener } from "./mqtt-listener.ts";

/** @returns undefined where there is no broker */
export function mqttBridgeOf(
  configuration: Configuration,
  listener: MqttListener | undefined,
  parts: Omit<BridgeParts, "session" | "topics">,
): MqttBridge | undefined {
  const session = sessionOf(configuration, listener);
  return session === undefined
    ? undefined
    : new MqttBridge({ ...parts, session, topics: topicsOf(configuration.MQTT_TOPICS_FILE) });
}

function sessionOf(configuration: Configuration, listener: MqttListener | undefined): SessionOptions | undefined {
  const { MQTT, MQTT_URL, MQTT_CLIENT_ID: clientId, MQTT_VERSION } = configuration;
  if (MQTT === "off") return;
  if (MQTT_URL === undefined) {
    if (listener === undefined) return;
    const { port, password } = listener;
    return { url: `mqtt://127.0.0.1:${port}`, clientId, version: 4, username: BRIDGE_USER, password };
  }
  const { MQTT_USERNAME, MQTT_PASSWORD_FILE, MQTT_CA_FILE, MQTT_CERT_FILE, MQTT_KEY_FILE } = configuration;
  return {
    url: MQTT_URL,
    clientId,
    version: MQTT_VERSION === "5" ? 5 : 4,
    username: MQTT_USERNAME,
    password: MQTT_PASSWORD_FILE === undefined ? undefined : readFileSync(MQTT_PASSWORD_FILE, "utf8").trim(),
    ca: MQTT_CA_FILE === undefined ? undefined : readFileSync(MQTT_CA_FILE),
    cert: MQTT_CERT_FILE === undefined ? undefined : readFileSync(MQTT_CERT_FILE),
    key: MQTT_KEY_FILE === undefined ? undefined : readFileSync(MQTT_KEY_FILE),
  };
}

/** @throws Error naming what does not fit */
function topicsOf(file: string | undefined): readonly MqttTopic[] {
  if (file === undefined) return builtInMqttTopics;
  const parsed = mqttTopics.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join(".")}: ${message}`);
  throw new Error(`MQTT_TOPICS_FILE ${file} does not fit:\n${lines.join("\n")}`);
}
