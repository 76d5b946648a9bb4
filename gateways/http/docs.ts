import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { asyncApi } from "../../schema/asyncapi.ts";
import { openApi } from "../../schema/openapi.ts";
import { livePage } from "../ws/page.ts";
import type { Exchange } from "./exchange.ts";
import { getOrHead, type HttpRequest, type HttpResponse, type TemplatedApp } from "./uws.ts";

/** Swagger UI from its package: nothing on the page comes from the internet. */
const ASSETS: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "favicon-32x32.png": "image/png",
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tocsin API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });\n`;

/** Serves `/openapi.json` and `/asyncapi.json`, and the pages that show them: `/docs` and `/docs/ws`. */
export function serveDocs(
  app: TemplatedApp,
  exchange: (response: HttpResponse, request: HttpRequest) => Exchange,
  version: string,
): void {
  const require = createRequire(import.meta.url);
  const document = JSON.stringify(openApi(version));
  const serve = (path: string, body: string | Uint8Array, contentType: string) =>
    getOrHead(app, path, (response, request) => {
      const headers = {
        "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
        "x-content-type-options": "nosniff",
      };
      exchange(response, request).answer({ status: 200, body, contentType, headers });
    });
  serve("/openapi.json", document, "application/json");
  serve("/docs", PAGE, "text/html; charset=utf-8");
  const live = asyncApi(version);
  serve("/asyncapi.json", JSON.stringify(live), "application/json");
  serve("/docs/ws", livePage(live), "text/html; charset=utf-8");
  serve("/docs/start.js", START, "text/javascript; charset=utf-8");
  for (const [name, contentType] of Object.entries(ASSETS)) {
    serve(`/docs/${name}`, readFileSync(require.resolve(`swagger-ui-dist/${name}`)), contentType);
  }
}
