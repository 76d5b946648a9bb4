import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Alertmanager, alertmanager } from "../support/alertmanager.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let sender: Alertmanager;

describe.skipIf(alertmanager === undefined)("what a real Prometheus Alertmanager posts to its webhook", () => {
  beforeAll(async () => {
    server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "0" });
    const source = (await server.post("/api/v1/sources", { name: "prometheus", format: "alertmanager" })).body;
    sender = await Alertmanager.start(alertmanager!, {
      route: {
        receiver: "tocsin",
        group_by: ["alertname"],
        group_wait: "100ms",
        group_interval: "300ms",
        repeat_interval: "1s",
      },
      receivers: [
        {
          name: "tocsin",
          webhook_configs: [
            {
              url: `${server.url}${source.path}`,
              send_resolved: true,
              http_config: { authorization: { credentials: source.secret } },
            },
          ],
        },
      ],
    });
  });
  afterAll(async () => {
    await sender?.stop();
    await server?.stop();
  });

  const of = async (type: string) => (await server.get(`/api/v1/alerts?type=${type}`)).body.items;
  const down = (site: string, severity: string, more: object = {}) => ({
    labels: { alertname: "RadioDown", site, severity },
    annotations: { summary: `The radio of ${site} is down` },
    startsAt: new Date(Date.now() - 5_000).toISOString(),
    ...more,
  });

  it("opens, counts what is repeated, and ends as it ends there", { timeout: 60_000 }, async () => {
    await sender.post([down("north", "critical"), down("south", "warning")]);
    await until("both are open", async () => (await of("RadioDown")).length === 2);
    const bySite = async (site: string) => {
      return (await of("RadioDown")).find(({ labels }: { labels: Record<string, string> }) => labels["site"] === site);
    };
    const north = await bySite("north");
    expect(north).toMatchObject({ status: "open", severity: "critical", title: "The radio of north is down" });
    await until("the critical one has its incident", async () => (await bySite("north")).incidentId !== null);
    expect((await bySite("south")).incidentId).toBeNull();

    await until("it is repeated", async () => (await bySite("north")).count > 1);
    expect((await bySite("north")).id).toBe(north.id);

    await sender.post([down("north", "critical", { endsAt: new Date().toISOString() })]);
    await until("it is over", async () => (await bySite("north")).status === "resolved");
    expect((await bySite("south")).status).toBe("open");
    const { items } = (await server.get("/api/v1/incidents?type=RadioDown")).body;
    expect(items).toHaveLength(1);

    await sender.post([down("north", "critical", { startsAt: new Date().toISOString() })]);
    await until("the next outage is an alert of its own", async () => (await of("RadioDown")).length === 3);
    expect((await bySite("north")).id).not.toBe(north.id);
  });
});
