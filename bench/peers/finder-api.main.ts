/**
 * Tocsin's requests for who is near, and for the fixes of many units, answered from Redis or PostGIS: the least that an
 * application must do over either. Compares the token with the one it was given; validates and keeps nothing.
 * Prints one line of JSON with its `url` when ready; ends on SIGTERM, or when its standard input is closed.
 */

import uWS from "uWebSockets.js";
import { openStore } from "./finder-stores.ts";
import { answerOf, unitOf } from "./finder-units.ts";
import { serve } from "./serve.ts";

const { STORE = "", SIZE = "", TOKEN = "" } = process.env;
const store = await openStore(JSON.parse(STORE), Number(SIZE));

interface Fix {
  readonly id: string;
  readonly lat: number;
  readonly lon: number;
}

const app = uWS.App();

/** Answers when there is somebody to answer still. */
function answering(
  response: uWS.HttpResponse,
  authorization: string,
): (status: string, answer: Promise<string>) => void {
  let aborted = false;
  response.onAborted(() => {
    aborted = true;
  });
  const end = (status: string, body: string) => {
    if (aborted) return;
    response.cork(() => {
      response.writeStatus(status).writeHeader("Content-Type", "application/json").end(body);
    });
  };
  return (status, answer) => {
    if (authorization !== `Bearer ${TOKEN}`) return end("401 Unauthorized", "{}");
    answer.then(
      (body) => end(status, body),
      (error) => end("500 Internal Server Error", JSON.stringify({ detail: String(error) })),
    );
  };
}

app.get("/api/v1/resources/available", (response, request) => {
  const answer = answering(response, request.getHeader("authorization"));
  const query = new URLSearchParams(request.getQuery());
  const radius = query.get("radius");
  const found = store.nearest({
    from: { lat: Number(query.get("lat")), lon: Number(query.get("lon")) },
    ...(radius === null ? {} : { radiusMetres: Number(radius) }),
    capable: query.has("capabilities"),
  });
  answer("200 OK", found.then(answerOf));
});

app.post("/api/v1/resources/locations", (response, request) => {
  const answer = answering(response, request.getHeader("authorization"));
  let before = Buffer.alloc(0);
  response.onData((chunk, isLast) => {
    // The chunk is only lent: what is kept has to be a copy.
    before = Buffer.concat([before, Buffer.from(chunk)]);
    if (!isLast) return;
    const { fixes } = JSON.parse(before.toString()) as { fixes: readonly Fix[] };
    const moved = store.move(fixes.map(({ id, lat, lon }) => ({ unit: unitOf(id), place: { lat, lon } })));
    answer(
      "202 Accepted",
      moved.then(() => JSON.stringify({ accepted: fixes.length, refused: [] })),
    );
  });
});

app.any("/*", (response) => {
  response.writeStatus("404 Not Found").end();
});

serve(app);
