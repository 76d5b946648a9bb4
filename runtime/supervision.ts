/**
 * What to do with an actor that failed: policy as data, so that it can be read and tested by itself.
 *
 * The tree: node → partition → actor. Each actor is supervised for itself (one for one): a failure never touches its
 * neighbours. What an actor cannot mend escalates to its host, which then reports itself as not ready.
 */
export type Failure =
  /** Deciding or evolving threw: a defect met this command. Nothing was written. */
  | "poison"
  /** The journal does not fold: a defect, or tampering. */
  | "unloadable"
  /** A port did not answer; nothing is wrong with the actor. */
  | "unavailable"
  /** It is not known whether the last commit happened. */
  | "uncertain";

export type Directive =
  /** Go on as if nothing had happened. */
  | { readonly do: "resume" }
  /** Forget the state and restore it from the journal before the next message. */
  | { readonly do: "restart" }
  /** As restart, but answer nothing until then. */
  | { readonly do: "stop"; readonly forMs: number }
  /** As stop, and tell the host. */
  | { readonly do: "escalate"; readonly forMs: number };

export interface RestartStatistics {
  /** Failures in a row, without a success between. */
  readonly consecutive: number;
}

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** After this many failures to restore one actor, it is the operator's turn. */
const ESCALATE_AFTER = 5;

export function directiveFor(failure: Failure, { consecutive }: RestartStatistics): Directive {
  const forMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, consecutive - 1));
  switch (failure) {
    case "unavailable":
      return { do: "resume" };
    case "uncertain":
      return { do: "restart" };
    case "poison":
      // One bad command costs its sender one answer; a run of them is slowed down, as each costs a restart.
      return consecutive <= ESCALATE_AFTER ? { do: "restart" } : { do: "stop", forMs };
    case "unloadable":
      return consecutive < ESCALATE_AFTER ? { do: "stop", forMs } : { do: "escalate", forMs };
  }
}
