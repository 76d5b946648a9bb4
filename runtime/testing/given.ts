import {
  type AnyActor,
  type Decision,
  decide,
  evolve,
  isForward,
  isJoint,
  isRefusal,
  type Principal,
} from "../actor.ts";

interface Typed {
  readonly type: string;
}

const AT = "2026-01-01T00:00:00.000Z";
const someone: Principal = { subject: "someone", agencies: ["a"], roles: ["dispatcher"] };

/** Actor specifications that read as sentences: `given(...).when(...).then(...)`. */
export function specificationOf<Command extends Typed, Event extends Typed>(definition: AnyActor, id: string) {
  return (...happened: readonly Event[]) => {
    const state = evolve(definition, definition.initial, happened, { id, at: AT, by: someone.subject, previous: 0 });
    return {
      state,
      deadlines: () => definition.deadlines(state),
      when(command: Command) {
        const decision = decide(definition, state, command, { id, at: AT, by: someone }) as Decision<Event>;
        const events =
          isRefusal(decision) || isForward(decision) ? undefined : isJoint(decision) ? decision.events : decision;
        return {
          decision,
          events,
          /** Types of the events, in order. */
          types: events?.map(({ type }) => type),
          refused: isRefusal(decision) ? decision.refused : undefined,
          forwarded: isForward(decision) ? decision : undefined,
          joins: isJoint(decision) ? decision.with : [],
        };
      },
    };
  };
}
