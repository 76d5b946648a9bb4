import type { NatsPorts } from "../../runtime/nats/open.ts";
import { agreedMasterKey, noteMasterKey } from "../../runtime/vault/agreement.ts";
import { MasterKeys, newMasterKey } from "../../runtime/vault/master-keys.ts";
import { countByMasterKey, rewrapAll } from "../../runtime/vault/rewrap.ts";
import { type MasterKeySource, masterKeySource } from "../node/master-key.ts";
import type { Output } from "../replay/output.ts";
import { type ExitCode, Hindrance, telling } from "../telling.ts";
import { replace, textOf } from "./key-file.ts";
import { type Action, actionOf, HELP } from "./options.ts";

export interface KeysWorld {
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  readonly open: () => Promise<NatsPorts>;
}

/** The command. */
export function runKeys(args: readonly string[], { env, out, open }: KeysWorld): Promise<ExitCode> {
  return telling("keys", out, async () => {
    const action = actionOf(args);
    if (action === undefined) out.result(HELP);
    else if (action === "generate") out.result(newMasterKey());
    else {
      const ports = await open();
      try {
        await ACTIONS[action](sourceOf(env), ports, out);
      } finally {
        await ports.close();
      }
    }
    return 0;
  });
}

function sourceOf({ DATA_DIR, MASTER_KEY, MASTER_KEY_FILE }: NodeJS.ProcessEnv): MasterKeySource {
  return masterKeySource({
    DATA_DIR: DATA_DIR || "./data",
    MASTER_KEY: MASTER_KEY || undefined,
    MASTER_KEY_FILE: MASTER_KEY_FILE || undefined,
  });
}

type Do = (source: MasterKeySource, ports: NatsPorts, out: Output) => Promise<void>;

const ACTIONS: Readonly<Record<Exclude<Action, "generate">, Do>> = { status, rotate, retire };

async function status(source: MasterKeySource, { keys, config }: NatsPorts, out: Output): Promise<void> {
  const master = source.load();
  const counts = await countByMasterKey(keys);
  out.result(`master keys in ${source.name}, the first one in use:`);
  for (const id of master.ids) out.result(`  ${id}: ${counts.get(id) ?? 0} keys`);
  for (const [id, count] of counts) {
    if (!master.ids.includes(id)) out.result(`  ${id}: ${count} keys, WHICH CANNOT BE READ: this key is not there`);
  }
  const agreed = await agreedMasterKey(config);
  if (agreed !== master.currentId)
    out.result(`agreed on: ${agreed ?? "none yet"}; a rotation is to be finished: rotate`);
}

/** Each step can be done again: until the last one, the file holds every key that anything may be under. */
async function rotate(source: MasterKeySource, { keys, config }: NatsPorts, out: Output): Promise<void> {
  const before = source.load();
  const agreed = await agreedMasterKey(config);
  if (agreed !== undefined && !before.ids.includes(agreed)) {
    throw new Hindrance(`${source.name} lacks ${agreed}, which messages here are encrypted under`);
  }
  const isBegun = agreed !== undefined && before.currentId !== agreed;
  if (!isBegun) putInFront(source, newMasterKey());
  const master = source.load();
  const done = await rewrapAll(keys, master, () => undefined);
  await noteMasterKey(config, master.currentId);
  out.result(`${isBegun ? "finished a rotation: " : ""}${done} keys are now under ${master.currentId}`);
  out.result(`back ${source.name} up again, now; retire the old key once every node has the new one`);
}

async function retire(source: MasterKeySource, { keys, config }: NatsPorts, out: Output): Promise<void> {
  const master = source.load();
  const old = master.ids.slice(1);
  if (old.length === 0) return out.result("there is no old key");
  if ((await agreedMasterKey(config)) !== master.currentId)
    throw new Hindrance("a rotation is not finished: rotate first");
  await rewrapAll(keys, master, () => undefined);
  const file = fileOf(
    source,
    `leave only the first key in MASTER_KEY, on every node; nothing is under ${old.join(", ")}`,
  );
  replace(file, `${textOf(file).split(/[\s,]+/)[0]}\n`);
  out.result(`retired ${old.join(", ")}; a backup of the data made before the rotation still needs it`);
}

function putInFront(source: MasterKeySource, key: string): void {
  const file = fileOf(
    source,
    "set MASTER_KEY to a new key (generate), a comma and the old one, restart every node, and rotate",
  );
  const next = `${key}\n${textOf(file)}`;
  MasterKeys.parse(next);
  replace(file, next);
}

function fileOf({ file }: MasterKeySource, otherwise: string): string {
  if (file === undefined) throw new Hindrance(`the environment cannot be changed from here: ${otherwise}`);
  return file;
}
