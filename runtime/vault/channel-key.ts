import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import type { Sealed } from "../../schema/channel.ts";
import { wordsOf } from "./words.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Of each HMAC so much is kept: 96 bits, too many for two words to meet by chance. */
const WORD_BYTES = 12;
const LAYOUT = "1.";

/** What a message's ciphertext is bound to: under another name it does not open. */
export interface Bound {
  readonly messageId: string;
  readonly author: string;
}

/**
 * The key of one channel. From it three are derived (HKDF-SHA256): one for what is written (AES-256-GCM), one for the words
 * of the blind index, one for the fingerprints of requests, which would tell short messages otherwise.
 */
export class ChannelKey {
  readonly #channelId: string;
  readonly #text: Buffer;
  readonly #words: Buffer;
  readonly #prints: Buffer;

  constructor(channelId: string, dataKey: Buffer) {
    const derived = (use: string) => Buffer.from(hkdfSync("sha256", dataKey, channelId, `tocsin ${use}`, 32));
    this.#channelId = channelId;
    this.#text = derived("text");
    this.#words = derived("words");
    this.#prints = derived("fingerprints");
  }

  seal(body: string, bound: Bound): Sealed {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#text, nonce).setAAD(this.#about(bound));
    const sealed = Buffer.concat([nonce, cipher.update(body, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return { text: LAYOUT + sealed.toString("base64url"), words: this.wordsIn(body) };
  }

  /** @throws when it was sealed for another message, channel or author, or was tampered with */
  open({ text }: Pick<Sealed, "text">, bound: Bound): string {
    if (!text.startsWith(LAYOUT)) throw new Error("sealed in a layout that this version does not know");
    const sealed = Buffer.from(text.slice(LAYOUT.length), "base64url");
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", this.#text, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#about(bound)).setAuthTag(sealed.subarray(-TAG_BYTES));
    return decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  }

  /** The blind index of a text: its words, each once, as only this key tells them; in no order of the text. */
  wordsIn(body: string): readonly string[] {
    return wordsOf(body)
      .map((word) =>
        createHmac("sha256", this.#words).update(word).digest().subarray(0, WORD_BYTES).toString("base64url"),
      )
      .sort();
  }

  fingerprint(plain: string): string {
    return createHmac("sha256", this.#prints).update(plain).digest("base64url").slice(0, 16);
  }

  #about({ messageId, author }: Bound): Buffer {
    return Buffer.from(JSON.stringify([this.#channelId, messageId, author]));
  }
}
