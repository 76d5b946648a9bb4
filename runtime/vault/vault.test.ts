import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyValue, Put } from "../ports/index.ts";
import { ChannelKey } from "./channel-key.ts";
import { MasterKeys, newMasterKey } from "./master-keys.ts";
import { rewrapAll } from "./rewrap.ts";
import { Vault } from "./vault.ts";
import { wordsOf } from "./words.ts";

const dataKey = Buffer.alloc(32, 7);
const bound = { messageId: "m", author: "a" };

describe("a sealed text", () => {
  const key = new ChannelKey("c", dataKey);

  it("opens to what it was, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 500 }), (text) => {
        expect(key.open(key.seal(text, bound), bound)).toBe(text);
      }),
    );
  });

  it("is another one each time, and tells nothing but the length", () => {
    const [one, two] = [key.seal("the same", bound), key.seal("the same", bound)];
    expect(one.text).not.toBe(two.text);
    expect(one.words).toEqual(two.words);
  });

  it.each([
    ["another channel", new ChannelKey("d", dataKey), bound],
    ["another key", new ChannelKey("c", Buffer.alloc(32, 8)), bound],
    ["another message", key, { ...bound, messageId: "n" }],
    ["another author", key, { ...bound, author: "b" }],
  ])("does not open as %s's", (_what, other, as) => {
    expect(() => other.open(key.seal("secret", bound), as)).toThrow();
  });

  it("does not open when a single bit was changed", () => {
    const { text } = key.seal("secret", bound);
    const bytes = Buffer.from(text.slice(2), "base64url");
    for (let index = 0; index < bytes.length; index++) {
      const changed = Buffer.from(bytes);
      changed[index]! ^= 1;
      expect(() => key.open({ text: `1.${changed.toString("base64url")}` }, bound)).toThrow();
    }
  });

  it("has a blind index that only its own channel's key tells", () => {
    expect(key.wordsIn("Fire! fire, FIRE")).toEqual(key.wordsIn("fire"));
    expect(key.wordsIn("fire")).not.toEqual(new ChannelKey("d", dataKey).wordsIn("fire"));
  });
});

describe("words", () => {
  it("are what is searched for: without case, accents, signs; each once", () => {
    expect(wordsOf("Élysée-Straße 12, élysée!")).toEqual(["elysee", "straße", "12"]);
    expect(wordsOf("  …!? ")).toEqual([]);
  });

  it("are bounded, whatever comes", () => {
    expect(wordsOf("x".repeat(10_000))[0]).toHaveLength(64);
    expect(wordsOf(Array.from({ length: 9_000 }, (_, index) => index).join(" "))).toHaveLength(500);
  });
});

/** A bucket in memory; `onPut` may stand in for a process that dies. */
function bucket(onPut: (put: Put) => void = () => undefined) {
  const entries = new Map<string, { key: string; value: string; revision: number }>();
  let revision = 0;
  const kept = {
    get: async (key: string) => entries.get(key),
    put: async ([put]: readonly Put[]) => {
      onPut(put!);
      if ((entries.get(put!.key)?.revision ?? 0) !== put!.expectedRevision) return { ok: false };
      entries.set(put!.key, { ...put!, revision: ++revision });
      return { ok: true, revisions: [revision] };
    },
    async *entries() {
      yield* [...entries.values()];
    },
  };
  return kept as unknown as KeyValue;
}

describe("a vault", () => {
  it("has one key for a channel, though several make it at the same moment", async () => {
    const kept = bucket();
    const master = MasterKeys.parse(newMasterKey());
    const vaults = Array.from({ length: 5 }, () => new Vault(kept, () => master));
    const [first, ...others] = await Promise.all(vaults.map((vault) => vault.keyFor("c")));
    const sealed = first!.seal("hello", bound);
    for (const key of others) expect(key.open(sealed, bound)).toBe("hello");
    expect(await vaults[0]!.keyOf("another")).toBeUndefined();
  });

  it("reads on through a rotation, which may be broken off anywhere and done again", async () => {
    let text = newMasterKey();
    let putsLeft = Number.POSITIVE_INFINITY;
    const kept = bucket(() => {
      if (putsLeft-- <= 0) throw new Error("killed");
    });
    const running = new Vault(kept, () => MasterKeys.parse(text));
    const channels = ["a", "b", "c", "d"];
    const sealed = new Map(
      await Promise.all(channels.map(async (id) => [id, (await running.keyFor(id)).seal(id, bound)] as const)),
    );
    const allOpen = async (vault: Vault) => {
      for (const id of channels) expect((await vault.keyOf(id))!.open(sealed.get(id)!, bound)).toBe(id);
    };
    const old = text;
    text = `${newMasterKey()}\n${old}`;
    for (putsLeft = 0; ; putsLeft = 1) {
      const done = await rewrapAll(kept, MasterKeys.parse(text), () => undefined).catch(() => undefined);
      await allOpen(new Vault(kept, () => MasterKeys.parse(text)));
      if (done !== undefined) break;
    }
    text = text.split("\n")[0]!;
    await allOpen(new Vault(kept, () => MasterKeys.parse(text)));
    await allOpen(running);
    await expect(new Vault(kept, () => MasterKeys.parse(old)).keyOf("a")).rejects.toThrow("not among those");
  });

  it("refuses what is no master key, without telling it", () => {
    for (const bad of ["", "tocsin-master-1:short", `secret-${"x".repeat(43)}`]) {
      expect(() => MasterKeys.parse(bad)).toThrow(/master key/);
      expect(() => MasterKeys.parse(bad)).not.toThrow(/short|secret-/);
    }
  });
});
