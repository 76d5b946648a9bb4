import type { Registry } from "prom-client";

/** Upper bounds, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Times {
  /** One a bound, and one for what took longer. */
  readonly counts: number[];
  seconds: number;
}

/**
 * A Prometheus histogram that is counted by hand and put together when it is asked for: the library's own takes 2 % of
 * what a command costs, as it looks labels up and rebuilds them at each observation.
 */
export class RequestTimes {
  readonly #name: string;
  readonly #help: string;
  readonly #byOperation = new Map<string, Times>();

  constructor(name: string, help: string, registry: Registry) {
    this.#name = name;
    this.#help = help;
    registry.registerMetric({
      name,
      help,
      type: "histogram",
      aggregator: "sum",
      get: async () => this.#collected(),
      reset: () => this.#byOperation.clear(),
      // biome-ignore lint/suspicious/noExplicitAny: what a registry asks of a metric is not among the library's types
    } as any);
  }

  observe(operation: string, seconds: number): void {
    let times = this.#byOperation.get(operation);
    if (times === undefined) {
      times = { counts: new Array<number>(BOUNDS.length + 1).fill(0), seconds: 0 };
      this.#byOperation.set(operation, times);
    }
    let at = 0;
    while (at < BOUNDS.length && seconds > BOUNDS[at]!) at += 1;
    times.counts[at]! += 1;
    times.seconds += seconds;
  }

  #collected() {
    const values = [...this.#byOperation].flatMap(([operation, { counts, seconds }]) => {
      let below = 0;
      const buckets = counts.map((count, index) => {
        below += count;
        return {
          value: below,
          labels: { le: BOUNDS[index] ?? "+Inf", operation },
          metricName: `${this.#name}_bucket`,
        };
      });
      return [
        ...buckets,
        { value: seconds, labels: { operation }, metricName: `${this.#name}_sum` },
        { value: below, labels: { operation }, metricName: `${this.#name}_count` },
      ];
    });
    return { name: this.#name, help: this.#help, type: "histogram", values, aggregator: "sum" };
  }
}
