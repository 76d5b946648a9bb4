import { DateTime } from "luxon";
import type { Preferences } from "../../schema/push.ts";

/** Until when somebody's quiet hours last, RFC 3339; undefined outside of them. */
export function quietUntil({ quietHours }: Preferences, nowMs: number): string | undefined {
  if (quietHours === null) return;
  const now = DateTime.fromMillis(nowMs, { zone: quietHours.timeZone });
  if (!now.isValid) return;
  // They may have begun yesterday.
  for (const day of [-1, 0]) {
    const from = atClock(now.plus({ days: day }), quietHours.from);
    const until = atClock(from.plus({ days: quietHours.to <= quietHours.from ? 1 : 0 }), quietHours.to);
    if (from <= now && now < until) return until.toUTC().toISO()!;
  }
  return;
}

function atClock(day: DateTime, clock: string): DateTime {
  const [hour = 0, minute = 0] = clock.split(":").map(Number);
  return day.set({ hour, minute, second: 0, millisecond: 0 });
}
