import type { Clock } from "../../runtime/ports/index.ts";
import { IndexHeap } from "./index-heap.ts";

/** What the scheduler needs to know of a step. */
export interface Schedulable {
  readonly atMs: number;
  readonly after: readonly number[];
}

export interface Schedule {
  readonly steps: readonly Schedulable[];
  /** Steps at work at the same moment, at most. */
  readonly connections: number;
  /** How many times faster than the records; undefined: as fast as steps are answered. */
  readonly speed: number | undefined;
  readonly clock: Clock;
  /** Once aborted no step is begun; those at work are waited for. */
  readonly signal: AbortSignal;
  /** A rejection stops the schedule as an abort does, and is thrown at the end. */
  readonly perform: (index: number) => Promise<void>;
}

export interface ScheduleReport {
  /** Steps that are over. */
  readonly finished: number;
  /** How late the latest step began, against the speed asked for; 0 without one. */
  readonly behindMs: number;
}

/**
 * No step is begun this far ahead of the earliest one that is not over: a call must not be created hours of the record
 * before its units are free. Far enough for every connection to find work.
 */
const LOOK_AHEAD_STEPS = 2_000;

/** Timers take no longer delay than this (2^31 - 1 ms); a longer wait is waited in parts. */
const TIMER_MAX_MS = 2_000_000_000;

/**
 * Performs every step once: after the steps that it waits for, not before its time where there is a speed, the earliest
 * first. Steps must be sorted by time, and wait for earlier ones only.
 */
export function runSchedule({ steps, connections, speed, clock, signal, perform }: Schedule): Promise<ScheduleReport> {
  // A step is ready when nothing is left to wait for; with a speed its own time is one more thing to wait for.
  const waitingFor = steps.map((step) => step.after.length + (speed === undefined ? 0 : 1));
  const waiters = new Map<number, number[]>();
  for (const [index, step] of steps.entries())
    for (const before of step.after) waiters.set(before, [...(waiters.get(before) ?? []), index]);

  const startMs = clock.monotonicMs();
  const firstMs = steps[0]?.atMs ?? 0;
  const dueInMs = (index: number) =>
    startMs + ((steps[index]?.atMs ?? firstMs) - firstMs) / (speed ?? 1) - clock.monotonicMs();

  const ready = new IndexHeap();
  let atWork = 0;
  let finished = 0;
  let behindMs = 0;
  let nextDue = 0;
  const over = new Uint8Array(steps.length);
  let earliest = 0;
  let stopped = signal.aborted;
  let failure: unknown;
  let cancelTimer = () => {};

  return new Promise((resolve, reject) => {
    const release = (index: number) => {
      const left = (waitingFor[index] ?? 0) - 1;
      waitingFor[index] = left;
      if (left === 0) ready.push(index);
    };

    const releaseDue = () => {
      while (nextDue < steps.length && dueInMs(nextDue) <= 0) {
        release(nextDue);
        nextDue += 1;
      }
      if (nextDue < steps.length && !stopped)
        cancelTimer = clock.after(Math.min(Math.ceil(dueInMs(nextDue)), TIMER_MAX_MS), releaseDue);
      pump();
    };

    const stop = (why?: unknown) => {
      stopped = true;
      failure ??= why;
      cancelTimer();
      pump();
    };
    const onAbort = () => stop();

    const settle = () => {
      signal.removeEventListener("abort", onAbort);
      if (failure === undefined) resolve({ finished, behindMs });
      else reject(failure);
    };

    const begin = (index: number) => {
      atWork += 1;
      if (speed !== undefined) behindMs = Math.max(behindMs, -dueInMs(index));
      perform(index).then(
        () => {
          atWork -= 1;
          finished += 1;
          over[index] = 1;
          while (over[earliest] === 1) earliest += 1;
          for (const waiter of waiters.get(index) ?? []) release(waiter);
          pump();
        },
        (error: unknown) => {
          atWork -= 1;
          stop(error ?? new Error("a step failed without saying why"));
        },
      );
    };

    const pump = () => {
      while (!stopped && atWork < connections) {
        const index = ready.peek();
        if (index === undefined || index >= earliest + LOOK_AHEAD_STEPS) break;
        ready.pop();
        begin(index);
      }
      if (atWork === 0 && (stopped || finished === steps.length)) settle();
    };

    signal.addEventListener("abort", onAbort);
    if (speed === undefined) {
      for (const [index, left] of waitingFor.entries()) if (left === 0) ready.push(index);
      pump();
    } else releaseDue();
  });
}
