import type { Box } from "./places/region.ts";

/** What is asked of the past. bridges/postgres answers; whoever asks must be ready to hear that it cannot just now. */
export interface Archive {
  /** Newest first. @throws ArchiveUnavailable */
  incidents(query: ArchivedIncidentsQuery): Promise<Archived>;
  /** Newest first. @throws ArchiveUnavailable */
  alerts(query: ArchivedQuery): Promise<Archived>;
  /** Those that have left the journal, newest first. @throws ArchiveUnavailable */
  departedPages(query: ArchivedQuery): Promise<Archived>;
  /** Newest first, those alone that have left the journal. @throws ArchiveUnavailable */
  channels(query: ArchivedQuery): Promise<Archived>;
  /** Oldest first. @throws ArchiveUnavailable */
  alertReports(query: AlertReportsQuery): Promise<readonly AlertReportRow[]>;
  /** Oldest first. @throws ArchiveUnavailable */
  track(query: TrackQuery): Promise<readonly TrackPoint[]>;
  /** By the blind index of a channel. @throws ArchiveUnavailable */
  messages(query: FoundMessagesQuery): Promise<FoundMessages>;
  /** Rows of a report, ready to be shown. @throws ArchiveUnavailable */
  report(name: string, query: ReportQuery): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** What lists ask for. */
export interface ArchivedQuery {
  readonly agencies: readonly string[];
  /** As the API's list has them. */
  readonly filters: Readonly<Record<string, unknown>>;
  /** All of them must be found. */
  readonly words: readonly string[];
  /** From below this id on. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export interface ArchivedIncidentsQuery extends ArchivedQuery {
  /** Only what has left the journal, and so is not in memory. */
  readonly departedOnly: boolean;
  /** Only what is in one of them. */
  readonly boxes?: readonly Box[];
  readonly near?: {
    readonly lat: number;
    readonly lon: number;
    readonly radiusMetres: number;
    /** Nearest first, from after this one on. */
    readonly afterMetres: number;
    readonly afterId: string;
  };
}

export interface AlertReportsQuery {
  readonly alertId: string;
  /** The last sequence of the page before; 0: from the first on. */
  readonly after: number;
  readonly limit: number;
}

/** A report to the alert engine, as it came. */
export interface AlertReportRow {
  readonly sequence: number;
  readonly at: Date;
  readonly lane: string;
  readonly action: string;
  readonly source: string;
  readonly sent_by: string;
  readonly request_id: string;
  readonly dedup_key: string;
  /** JSON. */
  readonly content: string | null;
  readonly raw: string | null;
}

export interface Archived {
  /** Everything of the journal up to here has been looked at. */
  readonly upTo: number;
  readonly rows: readonly ArchivedRow[];
}

export interface ArchivedRow {
  readonly id: string;
  readonly version: number;
  readonly state: unknown;
  readonly distanceMetres?: number;
}

export interface TrackQuery {
  readonly resourceId: string;
  /** Inclusive, and exclusive. */
  readonly from: string;
  readonly to: string;
  /** One point in each of these, the last; left out: every fix. */
  readonly resolutionSeconds?: number | undefined;
  /** Also those fixes that moved nobody. */
  readonly refused: boolean;
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface TrackPoint {
  /** Where this point stands in the track: pass it as `after`. */
  readonly cursor: string;
  readonly at: string;
  readonly lat: number;
  readonly lon: number;
  readonly speedMps?: number;
  readonly headingDegrees?: number;
  readonly accuracyMetres?: number;
  readonly refused?: string;
}

export interface FoundMessagesQuery {
  readonly channelId: string;
  /** All of them. */
  readonly words: readonly string[];
  /** Only messages with a lower number. */
  readonly before: number;
  readonly limit: number;
}

export interface FoundMessages {
  /** Every message up to this one has been looked at; 0 for none. */
  readonly newest: number;
  /** Of messages in which the words stand, or once stood; the newest first. */
  readonly numbers: readonly number[];
}

export interface ReportQuery {
  readonly agencies: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly by: string;
}

/** PostgreSQL does not answer, or not in time. Nothing is wrong with what was asked. */
export class ArchiveUnavailable extends Error {
  override name = "ArchiveUnavailable";
}

/** A cursor that was never given out. */
export class NoSuchCursor extends Error {
  override name = "NoSuchCursor";
}
