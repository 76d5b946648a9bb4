import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, openChromium } from "../support/chromium.ts";
import { Line } from "../support/line.ts";
import { freePort, TestServer } from "../support/server.ts";

interface Site {
  readonly url: string;
  close(): void;
}

/** A page of somebody else's, on another port, with the client as it is built. */
async function siteWithClient(): Promise<Site> {
  const port = await freePort();
  const site = createServer(({ url = "" }, response) => {
    const name = /^\/client\/(\w+\.js)$/.exec(url)?.[1];
    response.setHeader("content-type", name === undefined ? "text/html" : "text/javascript");
    response.end(name === undefined ? "<!doctype html><title>page</title>" : readFileSync(`dist/client/${name}`));
  });
  await new Promise<void>((resolve) => site.listen(port, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${port}`, close: () => site.close() };
}

const executable = findChromium();
const title =
  executable === undefined ? "a browser (skipped: no Chromium here; `apt-get install chromium`)" : "a browser";

describe.skipIf(executable === undefined)(title, () => {
  let server: TestServer;
  let line: Line;
  let site: Site;
  let browser: Awaited<ReturnType<typeof openChromium>>;
  let page: Page;
  /** What the browser asked for beyond our own server. */
  const strayed: string[] = [];

  beforeAll(async () => {
    server = await TestServer.start();
    line = await Line.to(server.url);
    site = await siteWithClient();
    browser = await openChromium(executable!);
    page = await browser.context.newPage();
    page.on("request", (request) => {
      if (![server.url, site.url].includes(new URL(request.url()).origin)) strayed.push(request.url());
    });
  });
  afterAll(async () => {
    await browser?.close();
    line?.close();
    site?.close();
    await server?.stop();
  });

  it("shows the protocol without the internet", async () => {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${server.url}/docs/ws`);
    expect(await page.locator("h1").textContent()).toContain("Tocsin live");
    const topics = await page.locator("table").first().textContent();
    expect(topics).toContain("incidents/{agency}");
    await page.locator("summary", { hasText: /^subscription\.opened/ }).click();
    expect(await page.locator("details[open]").first().textContent()).toContain("recovered");
    if (process.env["SCREENSHOTS"] !== undefined) {
      await page.screenshot({ path: `${process.env["SCREENSHOTS"]}/docs-ws.png`, fullPage: false });
    }
    expect({ errors, strayed }).toEqual({ errors: [], strayed: [] });
  });

  it("follows with the client as it is built, comes back after its line was cut, and misses nothing", async () => {
    await page.goto(site.url);
    const options = JSON.stringify({ url: line.url, token: server.token, backoffMaxMs: 200 });
    const content = `import { LiveClient } from "/client/index.js";
      globalThis.seen = [];
      globalThis.client = new LiveClient(${options});
      const all = client.subscribe("incidents/default", { snapshot: false });
      for await (const item of all) seen.push(item);`;
    await page.addScriptTag({ type: "module", content });
    const seen = () =>
      page.evaluate(() => (globalThis as unknown as { seen?: { type: string; data: never }[] }).seen ?? []);
    await expect
      .poll(async () => (await seen()).map(({ type }) => type), { timeout: 20_000 })
      .toContain("subscription.live");
    const id = await server.newIncident();
    for (let change = 0; change < 20; change++) {
      await server.patch(`/api/v1/incidents/${id}`, { title: `Change ${change}` });
      if (change % 6 === 2) line.cut();
    }
    const titles = async () =>
      (await seen())
        .filter(({ type }) => type === "incident.updated")
        .map(({ data }) => (data as { event: { changes: { title: string } } }).event.changes.title);
    await expect
      .poll(titles, { timeout: 20_000 })
      .toEqual(Array.from({ length: 20 }, (_, change) => `Change ${change}`));
    const answer = await page.evaluate(async () => {
      const { client } = globalThis as unknown as {
        client: { command(name: string, request: object): Promise<unknown> };
      };
      return client.command("createIncident", { body: { type: "a", category: "b", title: "From a browser" } });
    });
    expect(answer).toMatchObject({ status: 201, body: { title: "From a browser" } });
  });
});
