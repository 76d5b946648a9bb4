import { closeCodes } from "../../schema/live/close-codes.ts";
import { liveEvents } from "../../schema/live/events.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import { clientMessages, serverMessages } from "../../schema/live/messages.ts";
import { topicForms } from "../../schema/live/topics.ts";

interface Message {
  readonly summary: string;
  readonly payload: object;
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly components: { readonly messages: Readonly<Record<string, Message>>; readonly schemas: object };
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);

/** Paragraphs, `code` and **words of weight**: all that the description uses. */
function prose(text: string): string {
  return text
    .split("\n\n")
    .map((paragraph) =>
      escaped(paragraph)
        .replace(/`([^`]+)`/g, "<code>$1</code>")
        .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>"),
    )
    .map((paragraph) => `<p>${paragraph}</p>`)
    .join("\n");
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = (row: readonly (string | number)[]) =>
    row.map((cell, at) =>
      at === 0 ? `<td><code>${escaped(String(cell))}</code></td>` : `<td>${escaped(String(cell))}</td>`,
    );
  return `<table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join("")}</tr></thead><tbody>${rows
    .map((row) => `<tr>${cells(row).join("")}</tr>`)
    .join("\n")}</tbody></table>`;
}

const EXAMPLE = `→ {"type":"authenticate","id":"1","data":{"token":"<JWT>"}}
← {"specversion":"1.0","type":"session.opened","request":"1","data":{"subject":"admin","epoch":"EVENTS-mh0","offset":"41",…}}
→ {"type":"subscribe","id":"2","data":{"topic":"incidents/default"}}
← {"specversion":"1.0","type":"subscription.opened","topic":"incidents/default","data":{"epoch":"EVENTS-mh0","offset":"41","recovered":false,"snapshot":true}}
← {"specversion":"1.0","type":"subscription.snapshot","topic":"incidents/default","data":{"items":[…],"last":true}}
← {"specversion":"1.0","type":"subscription.live","topic":"incidents/default","data":{"epoch":"EVENTS-mh0","offset":"41"}}
← {"specversion":"1.0","topic":"incidents/default","id":"42-0","type":"incident.created","source":"/agencies/default",
   "subject":"incident/0199…","time":"2026-03-01T14:05:00.000Z","epoch":"EVENTS-mh0","offset":"42","mark":"…","data":{"event":{…},"version":1,"by":"admin","state":{…}}}
   the connection breaks; later, to any gateway:
→ {"type":"subscribe","id":"3","data":{"topic":"incidents/default","since":{"epoch":"EVENTS-mh0","offset":"42","mark":"…"}}}
← {"specversion":"1.0","type":"subscription.opened","topic":"incidents/default","data":{"offset":"42","recovered":true,…}}`;

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #d0d7de}code,pre{font:13px/1.5 ui-monospace,monospace}
pre{background:#f6f8fa;padding:.8rem;overflow-x:auto;border-radius:6px}td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #eaeef2}
table{border-collapse:collapse;width:100%}summary{cursor:pointer;padding:.2rem 0}summary span{color:#57606a}a{color:#0550ae}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22}h2,td,th{border-color:#30363d}a{color:#79c0ff}summary span{color:#9198a1}}`;

/** The page at /docs/ws: the AsyncAPI document as a person reads it, whole in itself. */
export function livePage(document: object): string {
  const { info, components } = document as Document;
  const message = (name: string) => {
    const { summary, payload } = components.messages[name]!;
    const schema = escaped(JSON.stringify(payload, null, 2));
    return `<details><summary><code>${name}</code> <span>${escaped(summary)}</span></summary><pre>${schema}</pre></details>`;
  };
  const messages = (names: object) => Object.keys(names).map(message).join("\n");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title><link rel="icon" href="/docs/favicon-32x32.png"><style>${STYLE}</style></head><body>
<h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p><a href="/asyncapi.json">asyncapi.json</a> · <a href="/docs">the HTTP API</a></p>
<pre>GET /ws</pre>
${prose(info.description)}
<h2>Topics</h2>
${table(["topic", "what it has"], Object.entries(topicForms))}
<h2>An example</h2>
<pre>${escaped(EXAMPLE)}</pre>
<h2>From the client</h2>
${messages(clientMessages)}
<h2>From the server</h2>
${messages(serverMessages)}
<h2>Events</h2>
${messages(liveEvents)}
<h2>Why a connection is closed</h2>
${table(
  ["code", "why", "what next"],
  Object.entries(closeCodes).map(([code, { title, next }]) => [code, title, next]),
)}
<h2>Limits</h2>
${table(["limit", ""], Object.entries(liveLimits))}
<h2>Schemas</h2>
<details><summary>all that are referred to above</summary><pre>${escaped(JSON.stringify(components.schemas, null, 2))}</pre></details>
</body></html>
`;
}
