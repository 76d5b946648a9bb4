import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LINE = /^tocsin-master-1:([A-Za-z0-9_-]{43})$/;

interface MasterKey {
  /** Tells keys apart without telling anything of them. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** A key under a master key. */
export interface Wrapped {
  readonly masterKeyId: string;
  /** Base64url: nonce, ciphertext, tag. */
  readonly wrapped: string;
}

/** A key was wrapped by a master key that is not here. */
export class UnknownMasterKey extends Error {
  override name = "UnknownMasterKey";
  readonly masterKeyId: string;

  constructor(masterKeyId: string) {
    super(`master key ${masterKeyId} is not among those that this node has`);
    this.masterKeyId = masterKeyId;
  }
}

/** The keys that all channels' keys are wrapped by (AES-256-GCM): the first wraps, all of them unwrap. */
export class MasterKeys {
  readonly #keys: readonly MasterKey[];

  private constructor(keys: readonly MasterKey[]) {
    this.#keys = keys;
  }

  /**
   * @param text a key a line (or several in one line, with blanks or commas between), as `newMasterKey` makes them
   * @throws saying what is wrong with it, without telling it
   */
  static parse(text: string): MasterKeys {
    const words = text.split(/[\s,]+/).filter((word) => word !== "");
    if (words.length === 0) throw new Error("there is no master key in it");
    const keys = words.map((word, index) => {
      const bytes = Buffer.from(LINE.exec(word)?.[1] ?? "", "base64url");
      if (bytes.length === KEY_BYTES) return { id: idOf(bytes), bytes };
      throw new Error(`master key ${index + 1} is none: one is "tocsin-master-1:" and 43 characters of base64url`);
    });
    return new MasterKeys(keys);
  }

  /** Of the one that wraps. */
  get currentId(): string {
    return this.#keys[0]!.id;
  }

  get ids(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** @param owner whose key it is: unwrapping as another's fails */
  wrap(key: Buffer, owner: string): Wrapped {
    const [{ id, bytes }] = this.#keys as [MasterKey];
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", bytes, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    return { masterKeyId: id, wrapped: sealed.toString("base64url") };
  }

  /** @throws UnknownMasterKey; another Error when it was tampered with */
  unwrap({ masterKeyId, wrapped }: Wrapped, owner: string): Buffer {
    const key = this.#keys.find(({ id }) => id === masterKeyId);
    if (key === undefined) throw new UnknownMasterKey(masterKeyId);
    const sealed = Buffer.from(wrapped, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", key.bytes, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(owner)).setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  }
}

export function newMasterKey(): string {
  return `tocsin-master-1:${randomBytes(KEY_BYTES).toString("base64url")}`;
}

function idOf(bytes: Buffer): string {
  return createHash("sha256").update("tocsin master key").update(bytes).digest("base64url").slice(0, 16);
}
