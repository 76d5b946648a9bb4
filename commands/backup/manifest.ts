import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Hindrance } from "../telling.ts";

export const MANIFEST_FILE = "manifest.json";
/** The layout of a backup. */
export const BACKUP_VERSION = 2;

const sequence = z.number().int().nonnegative();

const part = z.object({
  /** Below the backup's folder. */
  file: z.string().regex(/^[a-z]+\/[A-Za-z0-9_.-]+$/),
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifest = z.object({
  // In the first layout every stream was an image.
  v: z.union([z.literal(1), z.literal(BACKUP_VERSION)]),
  /** When it was begun and when the last part was written. RFC 3339, UTC. */
  beganAt: z.string(),
  endedAt: z.string(),
  natsServer: z.string(),
  /** Streams as the server itself wrote them out. */
  streams: z.array(
    part.extend({
      image: z.object({
        config: z.looseObject({ name: z.string() }),
        state: z.looseObject({ messages: sequence, first_seq: sequence, last_seq: sequence }),
      }),
    }),
  ),
  /** Streams in which newer messages take the place of older ones, message by message: see stream-entries.ts. */
  rewritten: z.array(part.extend({ config: z.looseObject({ name: z.string() }) })).default([]),
  /** Entries of the journal that were written while it was taken: see journal-tail.ts. */
  journalTail: part,
  /** The archive; null where the node has none, or none was to be taken. */
  database: z
    .object({
      tables: z.array(
        part.extend({ schema: z.string(), name: z.string(), columns: z.array(z.string()).min(1).readonly() }),
      ),
      days: z.array(z.number().int()),
    })
    .nullable(),
  /** Files of the data directory: keys, tokens. */
  files: z.array(part),
});

export type Manifest = z.infer<typeof manifest>;
export type Part = z.infer<typeof part>;

/** The folder is no backup, or is not as it was written. */
export class BadBackup extends Hindrance {
  override name = "BadBackup";
}

export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST_FILE), "utf8").catch(() => {
    throw new BadBackup(`${folder} is no backup: it has no ${MANIFEST_FILE}`);
  });
  const parsed = manifest.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadBackup(
    `${folder}/${MANIFEST_FILE} is not one of layout ${BACKUP_VERSION}: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
