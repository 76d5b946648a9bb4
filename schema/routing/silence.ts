import { z } from "zod";
import { said, timestamp, uuid } from "../common.ts";
import { matcher } from "./matcher.ts";
import { recurrence } from "./time-interval.ts";

/** Silences that have not ended, of an agency. They are looked at for every notification. */
export const SILENCES_MAX = 500;
/** Those that ended are shown for so long; Alertmanager keeps them as long. */
export const SILENCES_KEPT_MS = 120 * 3_600_000;

const fields = {
  matchers: z.array(matcher).min(1).max(20).describe("all must match; one at least must refuse the empty value"),
  startsAt: timestamp.optional().describe("default: now"),
  endsAt: timestamp,
  during: z
    .array(recurrence)
    .min(1)
    .max(20)
    .optional()
    .describe("a maintenance window: between start and end, only at these times"),
  comment: said(1_000).describe("why"),
};

export const newSilence = z.strictObject(fields).meta({ id: "NewSilence" });
export type NewSilence = Readonly<z.infer<typeof newSilence>>;

export const silenceStates = ["pending", "active", "expired"] as const;

export const silence = z
  .strictObject({
    id: uuid,
    matchers: z.array(z.string()),
    startsAt: timestamp,
    endsAt: timestamp,
    during: z.array(recurrence).nullable(),
    comment: z.string(),
    createdBy: z.string(),
    updatedAt: timestamp,
    state: z.enum(silenceStates),
  })
  .meta({ id: "Silence" });

/** As it is kept. */
export interface Silence {
  readonly id: string;
  readonly matchers: readonly string[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly during: NonNullable<NewSilence["during"]> | null;
  readonly comment: string;
  readonly createdBy: string;
  readonly updatedAt: string;
}

/** What may be asked of an agency's silences. Ids are made by whoever asks; `replacementId` is taken if one is needed. */
export type SilencesCommand =
  | { readonly type: "silence"; readonly id: string; readonly silence: NewSilence }
  | {
      readonly type: "change";
      readonly id: string;
      readonly replacementId: string;
      readonly silence: NewSilence;
    }
  | { readonly type: "expire"; readonly id: string };

export type SilencesEvent =
  | { readonly type: "silence.created"; readonly silence: Silence; readonly replaces?: string }
  | { readonly type: "silence.changed"; readonly silence: Silence }
  | { readonly type: "silence.expired"; readonly id: string };
