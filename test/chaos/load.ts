import { identityOf } from "../../gateways/http/idempotency.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Acknowledged } from "../simulation/invariants.ts";
import { smoke } from "../support/api.ts";

interface Sent {
  readonly key: string;
  readonly path: string;
  readonly body: string;
}

const admin: Principal = { subject: "admin", agencies: ["default"], roles: ["admin"] };

/** Dispatchers who go on whatever happens: each sends one request at a time, again and again until it is answered. */
export class Load {
  readonly acknowledged: Acknowledged[] = [];
  /** Some of the answers, to be asked for again. */
  readonly answers: (Sent & { readonly answer: string })[] = [];
  readonly #name: string;
  readonly #url: string;
  readonly #token: string;
  readonly #random = randomOf(42);
  readonly #incidents: string[] = [];
  readonly #units: string[] = [];
  #count = 0;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  /** @param name of this load where there are several: their requests are others */
  constructor(url: string, token: string, name = "k") {
    this.#name = name;
    this.#url = url;
    this.#token = token;
  }

  start(dispatchers: number): void {
    this.#running = Promise.all(Array.from({ length: dispatchers }, () => this.#dispatch()));
  }

  /** Resolves when every request under way is answered. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** One attempt. @throws when nobody answers */
  async send({ key, path, body }: Sent): Promise<Response> {
    return fetch(this.#url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json", "idempotency-key": key },
      body,
    });
  }

  async #dispatch(): Promise<void> {
    while (!this.#stopping) {
      const key = `${this.#name}${this.#count++}`;
      const { path, route, kind, id, value } = this.#some(key);
      const sent = { key, path, body: JSON.stringify(value) };
      const response = await this.#untilAnswered(sent);
      const answer = await response.text();
      if (!response.ok) continue;
      const entity = JSON.parse(answer);
      if (path.endsWith("/incidents")) this.#incidents.push(entity.id);
      if (path.endsWith("/vehicles")) this.#units.push(entity.id);
      const { commandId } = identityOf(key, admin, `${route} ${id}`, Buffer.from(sent.body))!;
      this.acknowledged.push({ commandId, kind, id: entity.id, version: entity.version });
      if (this.#count % 7 === 0) this.answers.push({ ...sent, answer });
    }
  }

  async #untilAnswered(sent: Sent): Promise<Response> {
    for (;;) {
      try {
        const response = await this.send(sent);
        if (response.status < 500) return response;
        await response.arrayBuffer();
        if (response.status !== 503) throw new Error(`${response.status} is no answer to ${sent.path}`);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #some(key: string) {
    const chance = this.#random();
    const incident = this.#incidents[Math.floor(this.#random() * this.#incidents.length)];
    const unit = this.#units[Math.floor(this.#random() * this.#units.length)];
    const on = (action: string, value: object) => ({
      path: `/api/v1/incidents/${incident}/${action}`,
      route: `/api/v1/incidents/{id}/${action}`,
      kind: "incident",
      id: incident!,
      value,
    });
    if (incident !== undefined && unit !== undefined) {
      if (chance < 0.3) return on("assign", { unitId: unit });
      if (chance < 0.5) return on("escalate", { reason: key, priority: 1 });
    }
    const [path, kind, value] =
      chance > 0.9 || this.#units.length === 0
        ? ["/api/v1/resources/vehicles", "resource", { callSign: key }]
        : ["/api/v1/incidents", "incident", { ...smoke, title: key }];
    return { path: path as string, route: path as string, kind: kind as string, id: "", value: value as object };
  }
}
