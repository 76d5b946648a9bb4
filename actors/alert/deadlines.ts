import type { Deadline } from "../../runtime/actor.ts";
import type { AlertCommand } from "../../schema/alert.ts";
import { isOver, type Known } from "./state.ts";

/** An alert may end by itself: when nothing is heard of it any more, and when its sender said that it would. */
export function alertDeadlines(it: Known): readonly Deadline<AlertCommand>[] {
  if (isOver(it) || it.status === "received") return [];
  const { autoResolveAfterMs } = it.policy;
  const ends: Deadline<AlertCommand>[] = [];
  const end = (why: "silence" | "expired", at: string) =>
    ends.push({ name: why, at, command: { type: "autoResolve", why, due: at } });
  if (autoResolveAfterMs !== null)
    end("silence", new Date(Date.parse(it.lastSeenAt) + autoResolveAfterMs).toISOString());
  if (it.content.expiresAt !== null) end("expired", new Date(it.content.expiresAt).toISOString());
  return ends;
}
