import type { ChannelKind, memberRoles, UnitJoin, Urgency } from "../../schema/channel.ts";
import type { Pages } from "./pages.ts";

export type ChannelState = { readonly phase: "unknown" } | Known;

export interface Member {
  readonly subject: string;
  readonly role: (typeof memberRoles)[number];
  readonly since: string;
}

/** How far a reader has come, by numbers of messages. */
export interface Receipt {
  readonly subject: string;
  readonly delivered: number;
  readonly read: number;
  readonly at: string;
}

/** What is remembered of a message beside the journal: enough to decide on it, nothing to read. */
export interface Remembered {
  readonly id: string;
  readonly number: number;
  readonly author: string;
  readonly priority: Urgency;
  readonly deleted: boolean;
}

export interface Urgent {
  readonly id: string;
  readonly number: number;
  readonly author: string;
  readonly acknowledgedBy: readonly string[];
}

/** Bounded, however long its history grows: messages are in the journal, and `pages` says where. */
export interface Known {
  readonly phase: "known";
  readonly agencyId: string;
  readonly kind: ChannelKind;
  readonly name: string | null;
  readonly incidentId: string | null;
  /** The version of its incident that it has followed. */
  readonly followed: number;
  readonly members: readonly Member[];
  readonly units: readonly (UnitJoin & { readonly since: string })[];
  readonly sharedWith: readonly string[];
  readonly messageCount: number;
  readonly lastMessageAt: string | null;
  readonly receipts: readonly Receipt[];
  readonly recent: readonly Remembered[];
  readonly urgent: readonly Urgent[];
  readonly pages: Pages;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly closedAt: string | null;
  /** Since when nothing has happened in it, and its past may be in the archive alone. */
  readonly archivedAt?: string;
  /** It was archived once: what was written before may have left the journal for good. */
  readonly hasLeft?: true;
}
