import type { AlertContent } from "../../../schema/alert.ts";
import { saysSomething } from "../../../schema/common.ts";
import type { Report } from "../intake.ts";

/** What a format's document says: a report without what is known of its source. */
export type Said = Pick<Report, "action" | "nature" | "dedupKey" | "content" | "chain">;

/** The form of a type: what a sender's word for it may not have becomes a blank. */
export function typeFrom(text: string): string {
  const fitting = text
    .replace(/[^\p{L}\p{N} _./:-]+/gu, " ")
    .trim()
    .replace(/^[^\p{L}\p{N}]+/u, "");
  return [...fitting].slice(0, 50).join("").trim() || "alert";
}

/** Text without control characters but line breaks and tabs, cut at a length. */
export function textFrom(text: string, max: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out here
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, " ").slice(0, max);
}

const TITLE_MAX = 255;

/** The first text that says something; where none does, the alert is called by its type: it must not be lost for want of a title. */
export function titleFrom(texts: readonly (string | undefined)[], type: string): string {
  return texts.map((text) => textFrom(text ?? "", TITLE_MAX)).find(saysSomething) ?? type;
}

export const DESCRIPTION_MAX = 16_384;

/** What a format does not speak of. */
export const unsaid: Omit<AlertContent, "type" | "severity" | "title"> = {
  description: null,
  nature: "actual",
  deviceId: null,
  location: null,
  areas: [],
  labels: {},
  details: {},
  occurredAt: null,
  expiresAt: null,
};
