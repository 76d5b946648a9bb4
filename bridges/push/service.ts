import type { PushService } from "../../gateways/push/service.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import { type DeviceKind, deviceKinds } from "../../schema/push.ts";
import type { Reachable } from "../notify/private-addresses.ts";
import { Addresses } from "./addresses.ts";
import type { Providers } from "./notification.ts";
import { Outward } from "./outward.ts";
import { Apns, type ApnsCredentials } from "./providers/apns.ts";
import { Fcm, type ServiceAccount } from "./providers/fcm.ts";
import { Ntfy } from "./providers/ntfy.ts";
import { vapidKeysFrom, WebPush } from "./providers/web-push.ts";

export interface PushSettings {
  readonly contact: string;
  /** Addresses and networks of our own that services may be in. */
  readonly reachable: Reachable;
  readonly ntfy?: { readonly url: string; readonly token?: string };
  readonly fcm?: { readonly account: ServiceAccount; readonly url: string };
  readonly apns?: { readonly credentials: ApnsCredentials; readonly url: string };
}

export interface Push extends PushService {
  readonly providers: Providers;
  readonly addresses: Addresses;
  /** By kind; a service without credentials is off. */
  readonly health: Readonly<Record<DeviceKind, "on" | "off">>;
}

/**
 * @param vapidSecret what this installation's VAPID keys follow from: browsers hold on to them
 * @param addressKey 32 bytes, that devices' addresses are sealed with
 */
export function pushOf(settings: PushSettings, vapidSecret: Buffer, addressKey: Buffer, clock: Clock): Push {
  const { contact, reachable, ntfy, fcm, apns } = settings;
  const outward = new Outward(reachable);
  const keys = vapidKeysFrom(vapidSecret);
  const addresses = new Addresses(addressKey);
  const providers: Providers = {
    webpush: new WebPush(outward, keys, contact),
    // Devices may name a server of their own.
    ntfy: new Ntfy(outward, ntfy?.url, ntfy?.token),
    ...(fcm === undefined ? {} : { fcm: new Fcm(outward, fcm.account, fcm.url, clock) }),
    ...(apns === undefined ? {} : { apns: new Apns(apns.credentials, apns.url, clock) }),
  };
  const kinds = deviceKinds.filter((kind) => providers[kind] !== undefined);
  const health = Object.fromEntries(deviceKinds.map((kind) => [kind, kinds.includes(kind) ? "on" : "off"]));
  return {
    vapidPublicKey: keys.publicKey,
    kinds,
    whyNot: (device) => {
      if (!kinds.includes(device.kind))
        return `devices of kind ${device.kind} cannot be reached here: ${kinds.join(", ")} can`;
      const needsServer = device.kind === "ntfy" && device.server === undefined && ntfy === undefined;
      return needsServer ? "there is no ntfy server of our own here: name one as `server`" : undefined;
    },
    seal: (device, id) => addresses.seal(device, id),
    mark: (device) => addresses.mark(device, ntfy?.url),
    providers,
    addresses,
    health: health as Push["health"],
  };
}
