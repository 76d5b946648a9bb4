/** A running system that takes POST /api/v1/incidents. */
export interface System {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Its main processes; those below them belong to it too. */
  readonly pids: readonly number[];
  /** What it says of itself, for the report. */
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}
