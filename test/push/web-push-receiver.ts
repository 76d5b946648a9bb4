import { createDecipheriv, createECDH, createHmac, type ECDH, randomBytes } from "node:crypto";

const hmac = (key: Buffer, data: Buffer) => createHmac("sha256", key).update(data).digest();
const expand = (key: Buffer, info: Buffer, length: number) =>
  hmac(key, Buffer.concat([info, Buffer.from([1])])).subarray(0, length);

/** A browser's end of Web Push, written from RFC 8188 and RFC 8291, and from nothing of what sends. */
export class Receiver {
  readonly #curve: ECDH = createECDH("prime256v1");
  readonly #auth = randomBytes(16);

  constructor() {
    this.#curve.generateKeys();
  }

  get keys() {
    return { p256dh: this.#curve.getPublicKey("base64url"), auth: this.#auth.toString("base64url") };
  }

  /** @throws when it was not meant for this one, or was changed on the way */
  decrypt(body: Buffer): string {
    const salt = body.subarray(0, 16);
    const keyLength = body[20]!;
    const senderKey = body.subarray(21, 21 + keyLength);
    const record = body.subarray(21 + keyLength);
    if (record.length > body.readUInt32BE(16)) throw new Error("more than one record");
    const shared = this.#curve.computeSecret(senderKey);
    const keyInfo = Buffer.concat([Buffer.from("WebPush: info\0"), this.#curve.getPublicKey(), senderKey]);
    const secret = expand(hmac(this.#auth, shared), keyInfo, 32);
    const random = hmac(salt, secret);
    const key = expand(random, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
    const nonce = expand(random, Buffer.from("Content-Encoding: nonce\0"), 12);
    const decipher = createDecipheriv("aes-128-gcm", key, nonce).setAuthTag(record.subarray(-16));
    const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    const end = plain.findLastIndex((byte) => byte !== 0);
    if (plain[end] !== 2) throw new Error("not the last record");
    return plain.subarray(0, end).toString();
  }
}
