import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { RequestTimes } from "./request-times.ts";

/** Requests are labelled by operation and status alone: both are bounded, whatever comes in. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"operation" | "status">;
  readonly #seconds: RequestTimes;
  /** Looked up once: finding a series by its labels costs more than counting. */
  readonly #series = new Map<string, Counter.Internal>();

  /** @param gauges read whenever the metrics are asked for */
  constructor(gauges: () => Readonly<Record<string, number>>) {
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: "tocsin_http_requests_total",
      help: "Requests answered, by operation and status",
      labelNames: ["operation", "status"],
      registers: [this.registry],
    });
    this.#seconds = new RequestTimes(
      "tocsin_http_request_seconds",
      "Time from a request's last byte to its answer",
      this.registry,
    );
    for (const name of Object.keys(gauges())) {
      new Gauge({
        name: `tocsin_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
        help: `Current value of ${name}`,
        registers: [this.registry],
        collect() {
          this.set(gauges()[name]!);
        },
      });
    }
  }

  answered(operation: string, status: number, seconds: number): void {
    const key = `${operation} ${status}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = this.#requests.labels({ operation, status });
      this.#series.set(key, series);
    }
    series.inc();
    this.#seconds.observe(operation, seconds);
  }
}
