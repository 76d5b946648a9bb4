import { Histogram, Registry } from "prom-client";
import { expect, it } from "vitest";
import { RequestTimes } from "./request-times.ts";

it("tells Prometheus of request times exactly what the library's own histogram would", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const times = new RequestTimes("request_seconds", "How long", ours);
  const histogram = new Histogram({
    name: "request_seconds",
    help: "How long",
    labelNames: ["operation"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [theirs],
  });
  for (const operation of ["createIncident", "getIncident"]) {
    for (const seconds of [0, 0.0005, 0.001, 0.0011, 0.3, 10, 11, 60]) {
      times.observe(operation, seconds);
      histogram.observe({ operation }, seconds);
    }
  }
  const lines = async (registry: Registry) => (await registry.metrics()).split("\n").sort();
  expect(await lines(ours)).toEqual(await lines(theirs));
});
