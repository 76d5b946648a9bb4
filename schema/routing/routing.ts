import type { RoutingDocument } from "./document.ts";

/** Revisions that are named in the state; all of them are in the journal. */
export const REVISIONS_NAMED_MAX = 100;

export interface Revision {
  readonly revision: number;
  readonly activatedAt: string;
  readonly activatedBy: string;
  readonly comment: string | null;
  /** The older revision whose document it has again; null for a new document. */
  readonly restores: number | null;
}

export interface RoutingCommand {
  readonly type: "activate";
  readonly document: RoutingDocument;
  readonly comment: string | null;
  readonly restores: number | null;
}

export interface RoutingEvent {
  readonly type: "routing.activated";
  readonly revision: number;
  readonly document: RoutingDocument;
  readonly comment: string | null;
  readonly restores: number | null;
}
