import { readFileSync } from "node:fs";
import { LiveClient } from "../dist/client/index.js";

// Prints what happens to the incidents of an agency, until Ctrl-C.
const client = new LiveClient({
  url: process.env.TOCSIN_LIVE_URL ?? "ws://127.0.0.1:8080/ws",
  token: process.env.TOCSIN_TOKEN ?? readFileSync("data/admin.token", "utf8").trim(),
  WebSocket: globalThis.WebSocket ?? (await import("ws")).WebSocket, // Node 22 and browsers have their own
});
for await (const { type, subject, data } of client.subscribe("incidents/default")) {
  if (type === "subscription.snapshot") console.log(`${data.items.length} incidents are open`);
  else if (subject !== undefined) console.log(type, data.state?.incidentNumber ?? subject);
}
