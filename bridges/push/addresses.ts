import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { type RegisterDevice, registerDevice } from "../../schema/push.ts";

const [NONCE_BYTES, TAG_BYTES] = [12, 16];

/** Whoever knows a device's address can call it: addresses are kept sealed (AES-256-GCM). */
export class Addresses {
  readonly #key: Buffer;

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(device: RegisterDevice, deviceId: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(deviceId));
    const sealed = [nonce, cipher.update(JSON.stringify(device)), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString("base64url");
  }

  /**
   * The same for what leads to the same device; without the key nobody can tell whether an address is that one.
   * @param ownNtfy the server of topics that name none
   */
  mark(device: RegisterDevice, ownNtfy = "http://none.invalid"): string {
    const place = placeOf(device, ownNtfy);
    return createHmac("sha256", this.#key).update(`mark ${place}`).digest("base64url");
  }

  /** @returns undefined when it was tampered with, is another device's, or was sealed with another key */
  open(sealed: string, deviceId: string): RegisterDevice | undefined {
    const bytes = Buffer.from(sealed, "base64url");
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(deviceId)).setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const plain =
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
      return registerDevice.parse(JSON.parse(plain));
    } catch {
      return;
    }
  }
}

/** What its service delivers to, however it is written, without what may change beside it. */
function placeOf(device: RegisterDevice, ownNtfy: string): string {
  switch (device.kind) {
    case "webpush":
      return `webpush ${new URL(device.endpoint).href}`;
    case "ntfy":
      return `ntfy ${new URL(device.topic, new URL("/", device.server ?? ownNtfy)).href}`;
    case "fcm":
      return `fcm ${device.token}`;
    case "apns":
      return `apns ${device.token.toLowerCase()}`;
  }
}
