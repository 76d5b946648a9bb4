export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly body: any;
}

/** The API as a client sees it, wherever it runs. */
export abstract class Api {
  abstract readonly url: string;
  abstract readonly token: string;

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== "" ? JSON.parse(text) : text,
    };
  }

  get = (path: string, headers?: Readonly<Record<string, string>>) => this.request("GET", path, undefined, headers);
  post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
    this.request("POST", path, body, headers);
  patch = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
    this.request("PATCH", path, body, headers);

  async newIncident(more: object = {}): Promise<string> {
    const { body } = await this.post("/api/v1/incidents", { ...smoke, ...more });
    return body.id;
  }

  async newVehicle(callSign: string): Promise<string> {
    return (await this.post("/api/v1/resources/vehicles", { callSign })).body.id;
  }
}

export const smoke = { type: "structure_fire", category: "fire", title: "Smoke from the roof", priority: 2 };
