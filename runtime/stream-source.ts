/** A stream as somebody reads it who may fall behind, and must never take more than can be kept. */
export interface StreamSource {
  readonly name: string;
  /** @throws PortUnavailable */
  state(): Promise<StreamState>;
  /** Everything after a sequence, in order and without a gap, at the reader's own pace; recovers by itself. */
  read(after: number): StreamReading;
}

export interface StreamState {
  /** Differs for every stream that was ever made, also for one of the same name. */
  readonly epoch: string;
  /** Sequence of the oldest entry that is still there. */
  readonly first: number;
  readonly last: number;
}

export interface StreamReading {
  /** Waits until there is one, then gives what is there, `max` at most. Empty once stopped. */
  next(max: number): Promise<readonly StreamEntry[]>;
  stop(): void;
}

export interface StreamEntry {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: string;
  /** When the stream took it, in milliseconds since the epoch. */
  readonly keptMs: number;
}
