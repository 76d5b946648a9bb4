import type { BenchCase, BenchContext, BenchReport } from "../case.ts";
import { countCpu } from "../load/cpu.ts";
import { type InFlightResult, keepInFlight } from "../load/in-flight.ts";
import { medianOf, rounded } from "../load/statistics.ts";

/** A running host that is asked without HTTP. */
export interface CommandTarget {
  /** One command to an actor of its own, from the message to the committed answer. It throws when it is refused. */
  ask(index: number): Promise<void>;
  /** The processes whose CPU time is counted, with all below them; this process, where the asking is done, is counted too. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

export interface CommandSystem {
  readonly title: string;
  start(context: BenchContext): Promise<CommandTarget>;
}

/** One alone shows that nobody waits for a group to fill; 128 show what grouping and pipelining bring. */
const IN_FLIGHT = [1, 128] as const;

/** The case over the systems given: command over NATS, fenced commit, reply. */
export function commandCase(systems: readonly CommandSystem[]): BenchCase {
  return {
    name: "command",
    describe: "A command over NATS to a host, its fenced commit to the journal, and the reply, without HTTP.",

    async run(context): Promise<BenchReport> {
      const runs: ({
        system: string;
        inFlight: number;
        round: number;
        cores: ReturnType<ReturnType<typeof countCpu>>;
      } & InFlightResult)[] = [];
      for (let round = 1; round <= context.rounds; round++) {
        for (const inFlight of IN_FLIGHT) {
          for (const system of systems) {
            const target = await system.start(context);
            try {
              const ask = (index: number) => target.ask(index);
              const { next } = await keepInFlight(ask, { inFlight, seconds: context.warmUpSeconds });
              const end = countCpu([process.pid, ...target.pids]);
              const { next: _, ...result } = await keepInFlight(ask, {
                inFlight,
                seconds: context.seconds,
                first: next,
              });
              runs.push({ system: system.title, inFlight, round, cores: end(), ...result });
              context.progress(
                `round ${round}/${context.rounds}, ${inFlight} in flight, ${system.title}: ` +
                  `${Math.round(result.askedPerSecond)}/s, p50 ${rounded(result.latencyMs.p50)} ms, p99 ${rounded(result.latencyMs.p99)} ms`,
              );
            } finally {
              await target.stop();
            }
          }
        }
      }
      const rows = IN_FLIGHT.flatMap((inFlight) =>
        systems.map(({ title }) => {
          const own = runs.filter((run) => run.system === title && run.inFlight === inFlight);
          return [
            inFlight,
            title,
            rounded(medianOf(own, (run) => run.askedPerSecond)),
            rounded(medianOf(own, (run) => run.latencyMs.p50)),
            rounded(medianOf(own, (run) => run.latencyMs.p90)),
            rounded(medianOf(own, (run) => run.latencyMs.p99)),
            rounded(medianOf(own, (run) => run.latencyMs.max)),
            rounded(medianOf(own, (run) => run.cores?.byProgram.node)),
            rounded(medianOf(own, (run) => run.cores?.byProgram["nats-server"])),
          ];
        }),
      );
      return {
        tables: [
          {
            title: "Command, commit, reply",
            columns: [
              "in flight",
              "system",
              "commands/s",
              "p50 ms",
              "p90 ms",
              "p99 ms",
              "max ms",
              "cores: node",
              "cores: nats-server",
            ],
            rows,
          },
        ],
        notes: [
          `Medians of ${context.rounds} round(s) of ${context.seconds} s, after ${context.warmUpSeconds} s of warm-up; each command goes to an actor of its own. The asking is done by the bench itself, whose CPU time is part of node's.`,
        ],
        notMeasured: ["Several commands at once to one actor: they are folded into one commit.", "Networks, clusters."],
        failures: [],
        measurements: runs,
      };
    },
  };
}
