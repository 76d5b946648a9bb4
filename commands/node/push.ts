import { readFileSync } from "node:fs";
import { Reachable } from "../../bridges/notify/private-addresses.ts";
import { type ServiceAccount, serviceAccount } from "../../bridges/push/providers/fcm.ts";
import { type Push, type PushSettings, pushOf } from "../../bridges/push/service.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import type { MasterKeys } from "../../runtime/vault/master-keys.ts";
import { sharedSecret } from "../../runtime/vault/named.ts";
import type { Configuration } from "./configuration.ts";

/** The push bridge as configured. @throws naming what of its credentials is missing or wrong */
export async function preparePush(configuration: Configuration, ports: Ports, keys: MasterKeys): Promise<Push> {
  const vapidSecret = await sharedSecret(ports.keys, keys, "vapid");
  const addressKey = await sharedSecret(ports.keys, keys, "devices");
  return pushOf(settingsOf(configuration), vapidSecret, addressKey, ports.clock);
}

function settingsOf(configuration: Configuration): PushSettings {
  const { PUSH_CONTACT, WEBHOOK_NETWORKS, NTFY_URL, NTFY_TOKEN, FCM_CREDENTIALS_FILE, FCM_URL } = configuration;
  const apns = apnsOf(configuration);
  return {
    contact: PUSH_CONTACT,
    reachable: new Reachable(WEBHOOK_NETWORKS),
    ...(NTFY_URL === undefined
      ? {}
      : { ntfy: { url: NTFY_URL, ...(NTFY_TOKEN === undefined ? {} : { token: NTFY_TOKEN }) } }),
    ...(FCM_CREDENTIALS_FILE === undefined ? {} : { fcm: { account: accountIn(FCM_CREDENTIALS_FILE), url: FCM_URL } }),
    ...(apns === undefined ? {} : { apns }),
  };
}

function accountIn(file: string): ServiceAccount {
  const parsed = serviceAccount.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  const missing = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new Error(`FCM_CREDENTIALS_FILE: ${file} is no service account of Google: look at ${missing}`);
}

function apnsOf({ APNS_KEY_FILE, APNS_KEY_ID, APNS_TEAM_ID, APNS_TOPIC, APNS_URL }: Configuration) {
  if (APNS_KEY_FILE === undefined) return;
  if (APNS_KEY_ID === undefined || APNS_TEAM_ID === undefined || APNS_TOPIC === undefined) {
    throw new Error("APNs takes APNS_KEY_FILE, APNS_KEY_ID, APNS_TEAM_ID and APNS_TOPIC together");
  }
  const privateKey = readFileSync(APNS_KEY_FILE, "utf8");
  return {
    credentials: { privateKey, keyId: APNS_KEY_ID, teamId: APNS_TEAM_ID, topic: APNS_TOPIC },
    url: APNS_URL,
  };
}
