import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { messagesQuery } from "../../bridges/postgres/queries/messages.ts";
import { ChannelKey } from "../../runtime/vault/channel-key.ts";
import type { BenchCase, BenchContext, BenchReport } from "../case.ts";
import { startArchiveBench } from "../load/archive.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { startTocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";

const PER_SECOND = 1_000;
const CHANNELS = 50;
const LISTENERS = 10;
const CONNECTIONS = 64;
const EVERY_MS = 5;
const INDEXED = 1_000_000;
const INDEXED_QUICK = 50_000;
const SEALED = 20_000;
const SEARCHES = 300;

const WORDS = Array.from({ length: 5_000 }, (_, index) => `word${index.toString(36)}`);
const textOf = (index: number) =>
  Array.from({ length: 12 }, (_, at) => WORDS[(index * 7_919 + at * at * 104_729) % WORDS.length]).join(" ");

interface Sending {
  readonly round: number;
  readonly messages: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answeredP99Ms: number;
}

export const messages: BenchCase = {
  name: "messages",
  describe: `Messages at ${PER_SECOND} a second, from the moment each is to be sent to its receipt by ${LISTENERS} sockets; what sealing costs; searches by the blind index.`,

  async run(context): Promise<BenchReport> {
    const sendings: Sending[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      sendings.push(await send(context, round));
      const { p50Ms, p99Ms } = sendings.at(-1)!;
      context.progress(`round ${round}: received after p50 ${rounded(p50Ms)} ms, p99 ${rounded(p99Ms)} ms`);
    }
    const costs = sealing();
    const searched = await search(context);
    const of = (pick: (one: Sending) => number) => rounded(medianOf(sendings, pick));
    return {
      tables: [
        {
          title: `${PER_SECOND} messages a second, in ${CHANNELS} channels, to ${LISTENERS} sockets each`,
          columns: ["", "p50 ms", "p99 ms"],
          rows: [
            ["sent → received by the last socket", of(({ p50Ms }) => p50Ms), of(({ p99Ms }) => p99Ms)],
            ["sent → answered", undefined, of(({ answeredP99Ms }) => answeredP99Ms)],
          ],
        },
        {
          title: "A text of twelve words",
          columns: ["", "µs"],
          rows: [
            ["sealed, with its blind index", rounded(costs.sealMicroseconds)],
            ["of that the index", rounded(costs.indexMicroseconds)],
            ["opened", rounded(costs.openMicroseconds)],
          ],
        },
        {
          title: `Search by the blind index over ${searched.messages} messages in PostgreSQL`,
          columns: ["words", "p50 ms", "p99 ms"],
          rows: searched.rows.map(({ words, p50Ms, p99Ms }) => [words, rounded(p50Ms), rounded(p99Ms)]),
        },
      ],
      notes: [
        "Sent at a steady rate whatever the answers; the time counts from when each was to be sent. DURABILITY=replicated, without an archive. Receivers are in the bench's own process, with the clients.",
        "The search is the archive's own statement for a page of 50, in one channel that has all the messages; opening those found is not in it.",
      ],
      notMeasured: ["Networks, TLS, several gateways, many members a channel."],
      failures: [],
      measurements: { sendings, costs, searched },
    };
  },
};

async function send({ root, cleanup, seconds }: BenchContext, round: number): Promise<Sending> {
  const env = { ARCHIVE: "off", RATE_LIMIT_PER_SECOND: "0" };
  const tocsin = await startTocsin({ root, durability: "replicated", env }, cleanup);
  try {
    const { url, token } = tocsin;
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(url, token)));
    const channels: string[] = [];
    for (let index = 0; index < CHANNELS; index++) {
      const body = { kind: "team", name: `Team ${index}` };
      channels.push(JSON.parse(await connections[0]!.expect(201, "POST", "/api/v1/channels", body)).id);
    }
    const dueAt = new Map<string, number>();
    const heard = new Map<string, number>();
    const tookMs: number[] = [];
    const sockets = await Promise.all(
      Array.from({ length: LISTENERS }, () =>
        listen(url, token, (text) => {
          const count = (heard.get(text) ?? 0) + 1;
          heard.set(text, count);
          if (count === LISTENERS) tookMs.push(performance.now() - dueAt.get(text)!);
        }),
      ),
    );
    const answeredMs: number[] = [];
    const waiting: string[] = [];
    const free = [...connections];
    let sent = 0;
    const next = () => {
      while (free.length > 0 && waiting.length > 0) {
        const text = waiting.shift()!;
        const connection = free.pop()!;
        const path = `/api/v1/channels/${channels[Number(text.split(" ")[0]) % CHANNELS]}/messages`;
        void connection.expect(201, "POST", path, { body: text }).then(() => {
          answeredMs.push(performance.now() - dueAt.get(text)!);
          free.push(connection);
          next();
        });
      }
    };
    const startedAt = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = performance.now() - startedAt;
        if (elapsed > seconds * 1_000) {
          clearInterval(timer);
          resolve();
          return;
        }
        for (; sent < (elapsed / 1_000) * PER_SECOND; sent++) {
          const text = `${sent} ${textOf(sent)}`;
          dueAt.set(text, startedAt + (sent / PER_SECOND) * 1_000);
          waiting.push(text);
        }
        next();
      }, EVERY_MS);
    });
    // Only looked at now and then: each has noted its own time.
    const giveUpAt = performance.now() + 30_000;
    while (tookMs.length < sent && performance.now() < giveUpAt) await sleep(20);
    if (tookMs.length < sent) throw new Error(`${sent - tookMs.length} of ${sent} messages were not received`);
    for (const socket of sockets) socket.terminate();
    for (const connection of connections) connection.close();
    return { round, messages: sent, ...quantiles(tookMs), answeredP99Ms: quantiles(answeredMs).p99Ms };
  } finally {
    await tocsin.stop();
  }
}

function listen(url: string, token: string, onText: (text: string) => void): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, ["tocsin.v1", `bearer.${token}`]);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      if (frame.type === "message.new") onText(frame.data.event.body);
      else if (frame.type === "session.opened") {
        socket.send(JSON.stringify({ type: "subscribe", id: "1", data: { topic: "channels" } }));
      } else if (frame.type === "subscription.live") resolve(socket);
    });
  });
}

function quantiles(values: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50Ms: sorted[Math.floor(sorted.length / 2)]!, p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1]! };
}

function sealing() {
  const key = new ChannelKey("bench", Buffer.alloc(32, 1));
  const bound = { messageId: "m", author: "a" };
  const texts = Array.from({ length: SEALED }, (_, index) => textOf(index));
  const timed = <T>(work: (text: string, index: number) => T): { readonly each: number; readonly results: T[] } => {
    texts.slice(0, 2_000).map(work);
    const startedAt = performance.now();
    const results = texts.map(work);
    return { each: ((performance.now() - startedAt) * 1_000) / SEALED, results };
  };
  const sealed = timed((text) => key.seal(text, bound));
  const indexed = timed((text) => key.wordsIn(text));
  const opened = timed((_, index) => key.open(sealed.results[index]!, bound));
  return { sealMicroseconds: sealed.each, indexMicroseconds: indexed.each, openMicroseconds: opened.each };
}

async function search({ root, cleanup, quick, progress }: BenchContext) {
  const count = quick ? INDEXED_QUICK : INDEXED;
  const bench = await startArchiveBench(root, cleanup);
  const projector = bench.startProjector();
  // It makes the tables; then they are filled as it would fill them.
  for (;;) {
    const { rows } = await bench.client.query("select to_regclass('tocsin.message_words') as there");
    if (rows[0].there !== null) break;
    await sleep(100);
  }
  await projector.stop();
  const key = new ChannelKey("bench", Buffer.alloc(32, 1));
  const channel = "01a20c40-0000-7000-8000-000000000000";
  const hashed = new Map(WORDS.map((word) => [word, key.wordsIn(word)[0]!]));
  const wordsOf = (index: number) => [...new Set(textOf(index).split(" "))].map((word) => hashed.get(word)!);
  const BATCH = 5_000;
  for (let from = 1; from <= count; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - from + 1) }, (_, at) => from + at);
    const lists = numbers.map(
      (number) =>
        `{${wordsOf(number)
          .map((word) => `"${word}"`)
          .join(",")}}`,
    );
    await bench.client.query(
      `insert into tocsin.message_words (channel_id, number, sequence, words)
       select $1::uuid, n, n, w::text[] from unnest($2::int[], $3::text[]) as rows (n, w)`,
      [channel, numbers, lists],
    );
  }
  await bench.client.query("vacuum analyze tocsin.message_words");
  progress(`${count} messages are indexed`);
  const rows = [];
  for (const words of [1, 2, 3]) {
    const tookMs: number[] = [];
    for (let index = 0; index < SEARCHES; index++) {
      const wanted = wordsOf(1 + ((index * 3_331) % count)).slice(0, words);
      const { text, values } = messagesQuery({ channelId: channel, words: wanted, before: count + 1, limit: 51 });
      const startedAt = performance.now();
      await bench.client.query(text, values);
      tookMs.push(performance.now() - startedAt);
    }
    rows.push({ words, ...quantiles(tookMs) });
  }
  await bench.stop();
  return { messages: count, rows };
}
