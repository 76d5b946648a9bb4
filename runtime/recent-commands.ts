/** The commands an actor has done, newest last: what makes a repetition harmless after any time-out or restart. */
export interface RecentCommand {
  readonly commandId: string;
  /** The version the actor had after it. */
  readonly version: number;
  readonly fingerprint?: string;
}

/**
 * Kept by number, not by age: an incident sees far fewer commands in its life, and a vehicle's repeats come within its
 * next few. It bounds what every snapshot carries.
 */
export const RECENT_COMMANDS_MAX = 128;

export function remember(recent: readonly RecentCommand[], command: RecentCommand): readonly RecentCommand[] {
  return recent.length < RECENT_COMMANDS_MAX
    ? [...recent, command]
    : [...recent.slice(1 - RECENT_COMMANDS_MAX), command];
}

export function findRecent(recent: readonly RecentCommand[], commandId: string): RecentCommand | undefined {
  for (let index = recent.length - 1; index >= 0; index--)
    if (recent[index]!.commandId === commandId) return recent[index];
  return;
}
