import type { KeyValue } from "./ports/index.ts";

/** What the projector that works last told of itself, for everybody who is asked how far the archive is. */
export interface ArchiveReport {
  /** RFC 3339, UTC. */
  readonly at: string;
  /** What PostgreSQL is, and offers. */
  readonly server: Readonly<Record<string, unknown>> | null;
  readonly feeds: Readonly<Record<string, FeedReport>>;
}

export interface FeedReport {
  readonly state: string;
  /** Everything up to here is archived. */
  readonly sequence: number;
  /** Entries of the stream that are not. */
  readonly behind: number;
  /** How long the oldest of them has been waiting. */
  readonly behindMs: number;
  readonly problem: string | null;
}

const KEY = "archive";

export async function tellArchiveStatus(config: KeyValue, report: ArchiveReport): Promise<void> {
  await config.put([{ key: KEY, value: JSON.stringify(report) }]);
}

export async function readArchiveStatus(config: KeyValue): Promise<ArchiveReport | undefined> {
  const entry = await config.get(KEY);
  return entry === undefined ? undefined : (JSON.parse(entry.value) as ArchiveReport);
}
