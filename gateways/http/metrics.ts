import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

interface Series {
  readonly requests: Counter.Internal;
  readonly seconds: Histogram.Internal<"operation">;
}

/** Requests are labelled by operation and status alone: both are bounded, whatever comes in. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"operation" | "status">;
  readonly #seconds: Histogram<"operation">;
  /** Looked up once: finding a series by its labels costs more than counting. */
  readonly #series = new Map<string, Series>();

  /** @param gauges read whenever the metrics are asked for */
  constructor(gauges: () => Readonly<Record<string, number>>) {
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: "tocsin_http_requests_total",
      help: "Requests answered, by operation and status",
      labelNames: ["operation", "status"],
      registers: [this.registry],
    });
    this.#seconds = new Histogram({
      name: "tocsin_http_request_seconds",
      help: "Time from a request's last byte to its answer",
      labelNames: ["operation"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [this.registry],
    });
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
      series = { requests: this.#requests.labels({ operation, status }), seconds: this.#seconds.labels({ operation }) };
      this.#series.set(key, series);
    }
    series.requests.inc();
    series.seconds.observe(seconds);
  }
}
