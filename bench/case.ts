import type { Cleanup } from "./load/cleanup.ts";

/** One thing that is measured. */
export interface BenchCase {
  /** As given on the command line and as the result file is called. */
  readonly name: string;
  /** One sentence: what is done, and what the figures are. */
  readonly describe: string;
  run(context: BenchContext): Promise<BenchReport>;
}

export interface BenchContext {
  /** The checkout: where `dist/`, `scripts/` and `examples/` are. */
  readonly root: string;
  /** How long each measurement lasts, warm-up not counted. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How often each measurement is repeated; medians are reported. */
  readonly rounds: number;
  /** Concurrent connections, for the cases over HTTP. */
  readonly connections: readonly number[];
  /** A run to see that everything works, in about a minute: smaller sizes where a case has a size. */
  readonly quick: boolean;
  /** The dispatch records for the replay; default: the synthetic day in `examples/`. */
  readonly replayFile: string | undefined;
  /** All processes and folders of a case are made through this, so that none outlives the run. */
  readonly cleanup: Cleanup;
  progress(line: string): void;
}

export interface BenchReport {
  readonly tables: readonly Table[];
  /** How it was done, where the table alone could mislead. */
  readonly notes: readonly string[];
  readonly notMeasured: readonly string[];
  /** What was to be measured and could not be here. */
  readonly failures: readonly string[];
  /** Everything measured, round by round, for the result file. */
  readonly measurements: unknown;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Numbers are aligned right. `undefined` is a value that could not be measured here. */
export type Cell = string | number | undefined;
