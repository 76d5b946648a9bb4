import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KeyValue } from "../../runtime/ports/index.ts";
import { agreedMasterKey, agreeOnMasterKey, noteMasterKey } from "../../runtime/vault/agreement.ts";
import { MasterKeys, newMasterKey } from "../../runtime/vault/master-keys.ts";
import { giveUpLost } from "../../runtime/vault/rewrap.ts";
import { Hindrance } from "../telling.ts";
import { makeFolder } from "./folder.ts";

export interface MasterKeySource {
  /** For messages to a person. */
  readonly name: string;
  /** Where it can be changed; undefined when it comes from the environment. */
  readonly file?: string;
  /** @throws saying what is wrong with it */
  load(): MasterKeys;
}

interface Settings {
  readonly DATA_DIR: string;
  readonly MASTER_KEY?: string | undefined;
  readonly MASTER_KEY_FILE?: string | undefined;
}

export function masterKeySource({ DATA_DIR, MASTER_KEY, MASTER_KEY_FILE }: Settings): MasterKeySource {
  if (MASTER_KEY !== undefined) {
    const keys = named("MASTER_KEY", () => MasterKeys.parse(MASTER_KEY));
    return { name: "MASTER_KEY", load: () => keys };
  }
  const file = MASTER_KEY_FILE ?? join(DATA_DIR, "master.key");
  return { name: file, file, load: () => named(file, () => MasterKeys.parse(readFileSync(file, "utf8"))) };
}

function named<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Hindrance(`the master key (${name}): ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Makes the master key at the very first start, and sees to it that it is the same ever after.
 * @param isLost the operator has given up the old one
 * @param warn told what a careful operator would change
 * @throws when it is missing or another one than messages here are encrypted under
 */
export async function prepareMasterKey(
  source: MasterKeySource,
  { config, keys }: { readonly config: KeyValue; readonly keys: KeyValue },
  isLost: boolean,
  warn: (line: string) => void,
) {
  const { file } = source;
  if (file !== undefined && !existsSync(file)) {
    const agreed = await agreedMasterKey(config);
    if (agreed !== undefined && !isLost) {
      throw new Error(
        `the master key is missing: messages here are encrypted under ${agreed}, and ${file} is not there. ` +
          "Put it back from your backup, or name it with MASTER_KEY_FILE: without it no message can ever be read again. " +
          "Where it is lost for good, start once with MASTER_KEY_LOST=go-on",
      );
    }
    makeFolder(dirname(file));
    writeFileSync(file, `${newMasterKey()}\n`, { mode: 0o600, flag: "wx", flush: true });
    chmodSync(file, 0o600);
    warn(`made a master key for messages: ${file}. Back it up, apart from the data: without it they cannot be read`);
  }
  if (file !== undefined && (statSync(file).mode & 0o077) !== 0) warn(`others may read ${file}: chmod 600 it`);
  const master = source.load();
  if (isLost) {
    const count = await giveUpLost(keys, master);
    await noteMasterKey(config, master.currentId);
    warn(`went on under master key ${master.currentId}: the messages of ${count} channels up to now cannot be read`);
  }
  await agreeOnMasterKey(config, master, source.name);
}
