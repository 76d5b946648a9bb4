/**
 * What the HTTP server costs by itself: reads the body, parses it, answers 201 with JSON as large as an incident is.
 * No token, no validation, no store: the ceiling for anything that does more in one process.
 * Prints one line of JSON with its `url` when ready; ends on SIGTERM, or when its standard input is closed.
 */

import uWS from "uWebSockets.js";
import { randomUUID } from "node:crypto";
import { serve } from "./serve.ts";

const app = uWS.App();

app.post("/api/v1/incidents", (response) => {
  let aborted = false;
  let before: Buffer | undefined;
  response.onAborted(() => {
    aborted = true;
  });
  response.onData((chunk, isLast) => {
    if (!isLast) {
      // The chunk is only lent: what is kept has to be a copy.
      before = Buffer.concat([before ?? Buffer.alloc(0), Buffer.from(chunk)]);
      return;
    }
    if (aborted) return;
    const body = before === undefined ? Buffer.from(chunk) : Buffer.concat([before, Buffer.from(chunk)]);
    const answer = answerTo(JSON.parse(body.toString()));
    response.cork(() => {
      response.writeStatus("201 Created").writeHeader("Content-Type", "application/json").end(answer);
    });
  });
});

app.any("/*", (response) => {
  response.writeStatus("404 Not Found").end();
});

function answerTo(body: Record<string, unknown>): string {
  const now = new Date().toISOString();
  return JSON.stringify({
    id: randomUUID(),
    incidentNumber: "BENCH-2026-000001",
    agencyId: "BENCH",
    type: body.type,
    category: body.category,
    priority: body.priority,
    status: "new",
    title: body.title,
    description: null,
    location: body.location,
    address: body.address,
    assignments: [],
    parentId: null,
    sourceAlertId: null,
    reportedById: "bench",
    metadata: {},
    disposition: null,
    version: 1,
    createdAt: now,
    updatedAt: now,
    resolvedAt: null,
    closedAt: null,
  });
}

serve(app);
