import type { EscalationStep, Target } from "../../../schema/routing/document.ts";
import type { GroupReceiver, RunningChain } from "../../../schema/routing/group.ts";
import { later } from "./state.ts";

type Chain = NonNullable<GroupReceiver["chain"]>;

export interface ChainStep {
  /** Who is told now, one list a step. */
  readonly tell: readonly (readonly Target[])[];
  /** Where it goes on; undefined at its end. */
  readonly next: RunningChain | undefined;
}

/** Takes the steps of a chain up to its next wait. `nextAt` of the answer is counted from `at`. */
export function advanceChain({ steps, repeat }: Chain, from: RunningChain, at: string): ChainStep {
  const tell: (readonly Target[])[] = [];
  let { step, round, told } = from;
  for (;;) {
    if (step >= steps.length) {
      if (round >= repeat) return { tell, next: undefined };
      round += 1;
      step = 0;
    }
    const current = steps[step]!;
    step += 1;
    if (current.step === "wait") {
      return { tell, next: { ...from, step, round, told, nextAt: later(at, current.seconds * 1_000) } };
    }
    const targets = targetsOf(current, steps, told);
    tell.push(targets);
    told = [...told, ...targets];
  }
}

function targetsOf(
  step: Exclude<EscalationStep, { step: "wait" }>,
  steps: readonly EscalationStep[],
  told: readonly Target[],
): readonly Target[] {
  if (step.step === "notify") return step.targets;
  if (step.step === "notifyNext") return [leastTold(step.targets, told)];
  return distinct(steps.flatMap((one) => ("targets" in one ? one.targets : [])));
}

/** The next in turn: of those told least often, the first. */
function leastTold(targets: readonly Target[], told: readonly Target[]): Target {
  const times = (target: Target) => told.filter((one) => isSame(one, target)).length;
  return targets.reduce((best, one) => (times(one) < times(best) ? one : best));
}

export function distinct(targets: readonly Target[]): readonly Target[] {
  return targets.filter((one, index) => targets.findIndex((other) => isSame(one, other)) === index);
}

function isSame(a: Target, b: Target): boolean {
  return a.kind === b.kind && a.to === b.to;
}
