import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../../runtime/sim/process.ts";
import { TravelTimesUnavailable } from "../../runtime/travel-times.ts";
import { OsrmTravelTimes } from "./travel-times.ts";

const HERE = { lat: 48.1, lon: 11.5 };
const FROM = [
  { lat: 48.2, lon: 11.6 },
  { lat: 48.3, lon: -0.0000001 },
];

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: string[];
let url: string;
let close: () => Promise<void>;
/** By hand: what waits for a time, and the time. */
let nowMs: number;
let alarms: { readonly atMs: number; readonly ring: () => void }[];

const clock = {
  now: () => nowMs,
  monotonicMs: () => nowMs,
  after(delayMs: number, ring: () => void) {
    const alarm = { atMs: nowMs + delayMs, ring };
    alarms.push(alarm);
    return () => {
      alarms = alarms.filter((other) => other !== alarm);
    };
  },
  soon: (callback: () => void) => setImmediate(callback),
};
const pass = (ms: number) => {
  nowMs += ms;
  for (const { atMs, ring } of alarms) if (atMs <= nowMs) ring();
};

beforeEach(async () => {
  [asked, nowMs, alarms] = [[], 0, []];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/table/v1/driving`;
  close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
});
afterEach(() => close());

const says = (body: unknown, status = 200) => {
  answer = (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
};
const times = () => new OsrmTravelTimes(`${url}/`, clock, silent);

describe("travel times by OSRM's table service", () => {
  it("are asked for in one request, and are null where there is no road", async () => {
    says({ code: "Ok", durations: [[312.4], [null]], sources: [], destinations: [] });
    expect(await times().secondsTo(HERE, FROM)).toEqual([312.4, null]);
    expect(asked).toEqual([
      "/table/v1/driving/11.600000,48.200000;-0.000000,48.300000;11.500000,48.100000?sources=0;1&destinations=2&annotations=duration",
    ]);
    expect(alarms).toEqual([]);
  });

  it("of nobody are not asked for", async () => {
    expect(await times().secondsTo(HERE, [])).toEqual([]);
    expect(asked).toEqual([]);
  });

  it.each([
    ["an error", { code: "NoTable", message: "no" }, 400],
    ["a table of another size", { code: "Ok", durations: [[1]] }, 200],
    ["a row of another size", { code: "Ok", durations: [[1, 2], [3]] }, 200],
    ["what is no duration", { code: "Ok", durations: [["1"], [-2]] }, 200],
    ["something else", [], 200],
    ["far too much", { code: "Ok", durations: [[1], [2]], more: "x".repeat(70_000) }, 200],
  ])("are unavailable when the answer is %s, and are not asked for again for a while", async (_what, body, status) => {
    says(body, status);
    const provider = times();
    await expect(provider.secondsTo(HERE, FROM)).rejects.toThrow(TravelTimesUnavailable);
    says({ code: "Ok", durations: [[1], [2]] });
    pass(4_999);
    await expect(provider.secondsTo(HERE, FROM)).rejects.toThrow(TravelTimesUnavailable);
    expect(asked).toHaveLength(1);
    pass(1);
    expect(await provider.secondsTo(HERE, FROM)).toEqual([1, 2]);
  });

  it("are unavailable when no answer comes within a second", async () => {
    answer = () => pass(1_000);
    await expect(times().secondsTo(HERE, FROM)).rejects.toThrow("travel times did not come within 1000 ms");
  });

  it("are unavailable when an answer does not come to its end within a second", async () => {
    answer = (_request, response) => {
      response.writeHead(200).write('{"code": "Ok", "durations": [[1], ');
      pass(1_000);
    };
    await expect(times().secondsTo(HERE, FROM)).rejects.toThrow(TravelTimesUnavailable);
  });

  it("are unavailable when nobody is there", async () => {
    await close();
    await expect(times().secondsTo(HERE, FROM)).rejects.toThrow("travel times could not be had");
  });
});
