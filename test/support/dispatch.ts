import { expect } from "vitest";
import type { TestServer } from "./server.ts";
import { until } from "./until.ts";

/** Dispatch that goes on, whatever happens to its archive. */
export class Dispatch {
  readonly server: TestServer;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();
  count = 0;

  constructor(server: TestServer) {
    this.server = server;
  }

  async start(): Promise<void> {
    const vehicles = await Promise.all(["A", "B", "C", "D"].map((callSign) => this.server.newVehicle(callSign)));
    this.#running = Promise.all(vehicles.map((vehicle) => this.#work(vehicle)));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #work(vehicle: string): Promise<void> {
    const { server } = this;
    while (!this.#stopping) {
      const incident = await server.newIncident({ title: `call ${this.count}` });
      const steps = [
        await server.post(`/api/v1/incidents/${incident}/assign`, { unitId: vehicle }),
        await server.patch(`/api/v1/resources/vehicles/${vehicle}/status`, { status: "en_route" }),
        await server.post(`/api/v1/resources/vehicles/${vehicle}/location`, { lat: 1, lon: this.count / 1_000_000 }),
        await server.patch(`/api/v1/incidents/${incident}`, { status: "resolved" }),
      ];
      if (this.count % 40 === 0) {
        const alert = { type: "smoke", severity: "low", title: `alert ${this.count % 5}` };
        steps.push(await server.post("/api/v1/alerts", alert));
      }
      for (const { status } of steps) expect(status).toBeLessThan(300);
      this.count += 1;
    }
  }

  async goesOn(calls: number): Promise<void> {
    const before = this.count;
    await until("dispatch goes on", () => this.count >= before + calls);
  }
}
