import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationId, pathParameters } from "../../schema/routes.ts";
import { TestDatabase } from "../support/database.ts";
import { TestServer } from "../support/server.ts";
import { fieldsOf, type Parts, validCall, World } from "./calls.ts";
import { documented, flawOf, operations, parametersOf } from "./document.ts";

/** Requests an operation: few enough for every run, and each run has others. */
const RUNS = { query: 25, path: 20, body: 50, bytes: 10 };
/** FUZZ_TIMES=50 does all of it fifty times, each in agencies of its own: an agency has limits. */
const TIMES = Number(process.env.FUZZ_TIMES ?? "1");
const TIMEOUT_MS = 60_000 * TIMES;

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.withArchive({ RATE_LIMIT_PER_SECOND: "0", DATABASE_URL: database.url });
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});

let worlds = 0;
/** An agency of its own each time: what one request configures does not bind the next. */
const newWorld = () => World.of(server, `agency-${++worlds}`);

function inNewWorlds(test: (world: World) => Promise<void>): () => Promise<void> {
  return async () => {
    for (let time = 0; time < TIMES; time++) await test(await newWorld());
  };
}

const NASTY_TEXTS = [
  "",
  " ",
  "\u0000",
  "a\u0007b\u001b[31m",
  "\u007f\u0085",
  "\ud800",
  "\udc00\ud800",
  "\u202e\u2066",
  "*",
  ">",
  "a.b",
  "..",
  "../../etc",
  "$SYS.>",
  "__proto__",
  "constructor",
  "-1",
  "0x10",
  "1e999",
  "NaN",
  "9007199254740993",
  "999999999999999",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999999999999Z",
  "2020-02-30T00:00:00Z",
  "2020-01-01T00:00:00+23:59",
  "9999-12-31T23:59:59-23:59",
  "00000000-0000-0000-0000-000000000000",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
  "01A20C40-0000-7000-8000-000000000000",
  "1,2,3,4",
  "180,90,-180,-90",
  "0,0 0,0 0,0",
  "1,1 1,2 2,2",
  "x".repeat(300),
  "é".repeat(20_000),
];

/** Also halves of pairs, which are no characters. */
const anyUnits = fc.array(fc.nat(0xffff), { maxLength: 40 }).map((units) => String.fromCharCode(...units));
const nastyText = fc.oneof(fc.constantFrom(...NASTY_TEXTS), anyUnits);
const NUMBERS = ["1e999", "-1e999", "1e308", "-0", "1e-400", "5e-324", "9007199254740993", "-9007199254740993"];
const nasty: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.double(),
  fc.maxSafeInteger(),
  fc.array(fc.uuid(), { maxLength: 60 }),
  fc.constantFrom(null, true, {}, [], [[]], [null], { lat: 90, lon: 180 }, { lat: -90.0000001, lon: 0 }),
);

type Change =
  | { readonly how: "replace"; readonly at: number; readonly value: unknown }
  | { readonly how: "number"; readonly at: number; readonly number: string }
  | { readonly how: "remove"; readonly at: number }
  | { readonly how: "add"; readonly name: string; readonly value: unknown }
  | { readonly how: "nest"; readonly at: number; readonly depth: number; readonly list: boolean };

const NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "", "a.b", "\u0000", "\ud800", "items", "id"];
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ how: fc.constant("replace"), at: fc.nat(), value: nasty }) },
  {
    weight: 1,
    arbitrary: fc.record({ how: fc.constant("number"), at: fc.nat(), number: fc.constantFrom(...NUMBERS) }),
  },
  { weight: 1, arbitrary: fc.record({ how: fc.constant("remove"), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ how: fc.constant("add"), name: fc.constantFrom(...NAMES), value: nasty }) },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant("nest"),
      at: fc.nat(),
      depth: fc.integer({ min: 1, max: 20_000 }),
      list: fc.boolean(),
    }),
  },
) as fc.Arbitrary<Change>;

type Path = readonly (string | number)[];

/** Where something may be put: every place of the body, and every field that could be there and is not. */
function placesIn(body: unknown, fields: readonly string[]): Path[] {
  const places: Path[] = fields.map((name) => [name]);
  const walk = (value: unknown, at: Path) => {
    if (at.length > 0) places.push(at);
    if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...at, index]);
    else if (typeof value === "object" && value !== null) {
      for (const [name, item] of Object.entries(value)) walk(item, [...at, name]);
    }
  };
  walk(body, []);
  return places;
}

const HERE = "\u0001here\u0001";

/** The text of the body with a change: some of what is to be sent cannot be said by a value. */
function changed(body: unknown, fields: readonly string[], { how, ...what }: Change): string {
  const places = placesIn(body, fields);
  const copy = JSON.parse(JSON.stringify(body));
  const place = "at" in what ? (places[what.at % places.length] ?? []) : [];
  const put = (value: unknown) => {
    const last = place[place.length - 1]!;
    let holder = copy;
    for (const step of place.slice(0, -1)) holder = holder[step];
    if (value === undefined) delete holder[last];
    else holder[last] = value;
    return JSON.stringify(copy);
  };
  const here = JSON.stringify(HERE);
  if (how === "add" && "name" in what) {
    Object.defineProperty(copy, what.name, { value: what.value, enumerable: true, configurable: true });
    return JSON.stringify(copy);
  }
  if (how === "number" && "number" in what) return put(HERE).replace(here, what.number);
  if (how === "nest" && "depth" in what) {
    const [open, close] = what.list ? ["[", "]"] : ['{"a":', "}"];
    return put(HERE).replace(here, `${open.repeat(what.depth)}1${close.repeat(what.depth)}`);
  }
  return put("value" in what ? what.value : undefined);
}

/** What is the same for whatever is sent. A request that is never answered fails in `send`. */
async function answersAsDocumented(world: World, id: OperationId, wire: Parameters<World["sendAs"]>[1]): Promise<void> {
  const answer = await world.sendAs(id, wire);
  expect(answer.status, answer.text).toBeLessThan(500);
  expect(flawOf(id, answer)).toBeUndefined();
}

const encoded = (query: Parts["query"]) => new URLSearchParams(query).toString();
const byId = operations.map(({ id, route }) => [id, route] as const);

const never = "%s answers as documented, and never with a defect of ours,";
/** Those who take nothing cannot be told nonsense. */
const takesSomething = byId.filter(
  ([, { body, query, path }]) => body !== undefined || query !== undefined || path.includes("{"),
);

describe.concurrent.each(takesSomething)(never, { timeout: TIMEOUT_MS }, (id, route) => {
  if (route.body !== undefined)
    it(
      "to any change of a valid body",
      inNewWorlds(async (world) => {
        const fields = Object.keys(fieldsOf(documented(id).requestBody!.content["application/json"]!.schema));
        await fc.assert(
          fc.asyncProperty(change, async (one) => {
            const { path, query, body } = await validCall(world, id);
            await answersAsDocumented(world, id, { path, query: encoded(query), body: changed(body, fields, one) });
          }),
          { numRuns: RUNS.body },
        );
      }),
    );

  if (route.body !== undefined)
    it(
      "to any JSON, and to bytes that are none",
      inNewWorlds(async (world) => {
        const { path, query, body } = await validCall(world, id);
        const whole = Buffer.from(JSON.stringify(body));
        const bytes = fc.oneof(
          fc.json({ maxDepth: 4 }),
          fc.uint8Array({ maxLength: 200 }),
          // Valid but for bytes in the middle that are not UTF-8.
          fc
            .tuple(fc.nat(), fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80], [0x80]))
            .map(([at, bad]) => {
              const cut = at % (whole.length + 1);
              return Buffer.concat([whole.subarray(0, cut), Buffer.from(bad), whole.subarray(cut)]);
            }),
        );
        await fc.assert(
          fc.asyncProperty(bytes, (sent) =>
            answersAsDocumented(world, id, { path, query: encoded(query), body: sent }),
          ),
          { numRuns: RUNS.bytes },
        );
      }),
    );

  const names = parametersOf(id, "query").map(({ name }) => name);
  if (names.length > 0)
    it(
      "to any query",
      inNewWorlds(async (world) => {
        const { path, query, body } = await validCall(world, id);
        const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: nastyText });
        const queries = fc.oneof(
          { weight: 4, arbitrary: fc.array(fc.tuple(name, nastyText), { maxLength: 3 }) },
          { weight: 1, arbitrary: fc.constant(Object.entries(query)).map((pairs) => [...pairs, ...pairs]) },
        );
        const raw = fc.constantFrom("%", "%zz", "%ff=%fe", "=", "&&", "a[b]=1", "__proto__=1", "?", "%00=%00");
        const sent = fc.oneof(
          {
            weight: 5,
            arbitrary: queries.map((more) => {
              const parameters = new URLSearchParams(query);
              for (const [key, value] of more) parameters.set(key.slice(0, 200), value.slice(0, 2_000));
              return parameters.toString();
            }),
          },
          { weight: 1, arbitrary: raw.map((more) => `${encoded(query)}&${more}`) },
        );
        const text = body === undefined ? undefined : JSON.stringify(body);
        await fc.assert(
          fc.asyncProperty(sent, (asked) => answersAsDocumented(world, id, { path, query: asked, body: text })),
          { numRuns: RUNS.query },
        );
      }),
    );

  const parameters = parametersOf(id, "path").map(({ name }) => name as keyof typeof pathParameters);
  if (parameters.length > 0)
    it(
      "to anything in its path",
      inNewWorlds(async (world) => {
        const { path, query, body } = await validCall(world, id);
        const text = body === undefined ? undefined : JSON.stringify(body);
        const plain = [
          "*",
          ">",
          "...",
          "$SYS",
          "%2e%2e",
          "%2E",
          "%2F",
          "%00",
          "%",
          "%zz",
          "%20",
          "+",
          "a%20b",
          "\u00ff\u00fe",
          "é",
          "~",
          "x".repeat(2_000),
        ];
        const part = fc
          .oneof(
            fc.constantFrom(...plain),
            nastyText.map((any) => encodeURIComponent(Buffer.from(any).toString()).slice(0, 2_000)),
            fc.uuid(),
            fc.constantFrom(
              ...parameters.map((name) => `${path[name]}%00`),
              ...parameters.map((name) => `${path[name]}.x`),
            ),
          )
          // Nothing, or a dot or two, is a path of another route.
          .filter((one) => one !== "" && one !== "." && one !== "..");
        await fc.assert(
          fc.asyncProperty(fc.constantFrom(...parameters), part, async (name, value) => {
            if (name === "type" && /^(?:nearby|available|personnel|vehicles|equipment)$/.test(value)) return;
            await answersAsDocumented(world, id, {
              path: { ...path, [name]: value },
              query: encoded(query),
              body: text,
            });
          }),
          { numRuns: RUNS.path },
        );
      }),
    );
});

describe("the server, after all of it,", () => {
  it("is ready, and has put nothing aside as impossible to process", async () => {
    expect((await server.get("/health/ready")).body).toMatchObject({ ready: true });
    // A notification to a webhook that there is not is given up, and told: that is no defect of ours.
    const letters = await server.node.ports.deadLetters.list(1_000);
    expect(letters.filter(({ kind }) => kind !== "delivery")).toEqual([]);
  });

  it("has put nothing aside as impossible to archive", async () => {
    await server.archived();
    expect(await database.rows("select subject, payload, problem from quarantine limit 10")).toEqual([]);
  });

  // The HTTP server takes no more than a hundred (its parser's own limit): it drops the connection without an answer.
  it("answers a request of ninety headers", async () => {
    const world = await newWorld();
    const many = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`x-${index}`, "1"]));
    const { status } = await world.send("listIncidents", { path: {}, query: {} }, many);
    expect(status).toBe(200);
  });
});
