import { readFileSync } from "node:fs";
import { LiveClient } from "../dist/client/index.js";

// Prints what happens to the incidents of an agency, until Ctrl-C.
const client = new LiveClient({
  url: process.env.TOCSIN_LIVE_URL ?? "ws://127.0.0.1:8080/ws",
  token: process.env.TOCSIN_TOKEN ?? readFileSync("data/admin.token", "utf8").trim(),
  WebSocket: globalThis.WebSocket ?? (await import("ws")).WebSocket, // Node 22 and browsers have their own
  onProblem: (problem) => console.error(problem.message), // such as a token that is refused; it tries again
});
let open = 0;
for await (const { type, subject, data } of client.subscribe("incidents/default")) {
  if (type === "subscription.snapshot") {
    open += data.items.length; // it comes in parts
    if (data.last) console.log(`${open} incidents are open`);
  } else if (subject !== undefined) console.log(type, data.state?.incidentNumber ?? subject);
}
