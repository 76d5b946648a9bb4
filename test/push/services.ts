import { writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { exportPKCS8, exportSPKI, generateKeyPair, importSPKI, jwtVerify } from "jose";
import type { Certified } from "../support/certificates.ts";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Answers whatever comes, by whoever is to answer, and keeps it. */
export class HttpService {
  readonly received: Received[] = [];
  answer: (request: Received) => Reply | Promise<Reply>;
  readonly #server;
  readonly #scheme: string;

  private constructor(answer: HttpService["answer"], certified: Certified | undefined) {
    this.answer = answer;
    this.#scheme = certified === undefined ? "http" : "https";
    const onRequest: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", async () => {
        const one = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) };
        this.received.push(one);
        const { status, headers = {}, body = "" } = await this.answer(one);
        response.writeHead(status, headers).end(body);
      });
    };
    this.#server = certified === undefined ? createServer(onRequest) : createTlsServer(certified, onRequest);
  }

  /** @param certified with this it speaks TLS */
  static async start(
    answer: HttpService["answer"] = () => ({ status: 201 }),
    certified?: Certified,
  ): Promise<HttpService> {
    const service = new HttpService(answer, certified);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Google's end of FCM: gives tokens for assertions that it can verify, and takes messages with such a token alone. */
export async function startFcm(certified?: Certified) {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const messages: { readonly token: string; readonly [field: string]: unknown }[] = [];
  let tokens = 0;
  const gone = new Set<string>();
  /** Tokens of messages that are said to be wrong. */
  const refused = new Set<string>();
  const service: HttpService = await HttpService.start(async ({ path, headers, body }) => {
    if (path === "/token") {
      const form = new URLSearchParams(body.toString());
      if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return { status: 400 };
      try {
        const { payload } = await jwtVerify(form.get("assertion") ?? "", publicKey, {
          issuer: "tocsin@project-1.iam.gserviceaccount.com",
          audience: `${service.url}/token`,
          algorithms: ["RS256"],
          maxTokenAge: "1h",
        });
        if (payload["scope"] !== "https://www.googleapis.com/auth/firebase.messaging") return { status: 400 };
      } catch (error) {
        return { status: 400, body: String(error) };
      }
      tokens += 1;
      return {
        status: 200,
        body: JSON.stringify({ access_token: `ya29.${tokens}`, expires_in: 3_599, token_type: "Bearer" }),
      };
    }
    if (path !== "/v1/projects/project-1/messages:send") return { status: 404 };
    if (headers.authorization !== `Bearer ya29.${tokens}`)
      return { status: 401, body: '{"error":{"status":"UNAUTHENTICATED"}}' };
    const { message } = JSON.parse(body.toString());
    if (Object.values(message.data ?? {}).some((value) => typeof value !== "string")) return { status: 400 };
    if (refused.has(message.token)) return { status: 400, body: '{"error":{"status":"INVALID_ARGUMENT"}}' };
    if (gone.has(message.token)) {
      return {
        status: 404,
        body: JSON.stringify({ error: { status: "NOT_FOUND", details: [{ errorCode: "UNREGISTERED" }] } }),
      };
    }
    messages.push(message);
    return { status: 200, body: JSON.stringify({ name: `projects/project-1/messages/${messages.length}` }) };
  }, certified);
  const account = {
    type: "service_account",
    project_id: "project-1",
    private_key_id: "k1",
    private_key: await exportPKCS8(privateKey),
    client_email: "tocsin@project-1.iam.gserviceaccount.com",
    token_uri: `${service.url}/token`,
  };
  return {
    service,
    messages,
    gone,
    refused,
    account,
    get tokens() {
      return tokens;
    },
  };
}

/** Apple's end of APNs: HTTP/2, with the headers and tokens that it asks for. */
export async function startApns(certified?: Certified) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const verifier = await importSPKI(await exportSPKI(publicKey), "ES256");
  const received: {
    readonly token: string;
    readonly headers: Record<string, unknown>;
    readonly body: { readonly aps: Readonly<Record<string, unknown>> };
  }[] = [];
  /** Reasons for each device that is refused. */
  const refused = new Map<string, { readonly status: number; readonly reason: string }>();
  const server = certified === undefined ? createHttp2Server() : createSecureServer(certified);
  server.on("stream", (stream, headers) => {
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("end", async () => {
      const answer = (status: number, reason = "") => {
        stream.respond({ ":status": status, "apns-id": "1" });
        stream.end(reason === "" ? "" : JSON.stringify({ reason }));
      };
      const token = /^\/3\/device\/([0-9a-f]{64,200})$/.exec(String(headers[":path"]))?.[1];
      if (headers[":method"] !== "POST" || token === undefined) return answer(400, "BadDeviceToken");
      const bearer = /^bearer (.+)$/.exec(String(headers["authorization"]))?.[1] ?? "";
      try {
        const { protectedHeader } = await jwtVerify(bearer, verifier, {
          issuer: "TEAM000001",
          algorithms: ["ES256"],
          maxTokenAge: "1h",
        });
        if (protectedHeader.kid !== "KEY0000001") return answer(403, "InvalidProviderToken");
      } catch {
        return answer(403, "InvalidProviderToken");
      }
      const body = JSON.parse(text);
      const type = headers["apns-push-type"];
      if (headers["apns-topic"] !== "org.example.tocsin") return answer(400, "TopicDisallowed");
      if (type !== "alert" && type !== "background") return answer(400, "InvalidPushType");
      if (type === "background" && (headers["apns-priority"] !== "5" || body.aps.alert !== undefined))
        return answer(400, "BadPriority");
      if (Buffer.byteLength(String(headers["apns-collapse-id"])) > 64) return answer(400, "BadCollapseId");
      if (!(Number(headers["apns-expiration"]) > Date.now() / 1_000)) return answer(400, "BadExpirationDate");
      if (Buffer.byteLength(text) > 4_096) return answer(413, "PayloadTooLarge");
      const refusal = refused.get(token);
      if (refusal !== undefined) return answer(refusal.status, refusal.reason);
      received.push({ token, headers, body });
      answer(200);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certified === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    key: await exportPKCS8(privateKey),
    received,
    refused,
    stop: () => server.close(),
  };
}

/** What a node is told of these services. @param folder for their credentials */
export function environmentOf(
  fcm: Awaited<ReturnType<typeof startFcm>>,
  apns: Awaited<ReturnType<typeof startApns>>,
  folder: string,
): Readonly<Record<string, string>> {
  const [account, key] = [join(folder, "fcm.json"), join(folder, "apns.p8")];
  writeFileSync(account, JSON.stringify(fcm.account));
  writeFileSync(key, apns.key);
  return {
    FCM_CREDENTIALS_FILE: account,
    FCM_URL: fcm.service.url,
    APNS_KEY_FILE: key,
    APNS_KEY_ID: "KEY0000001",
    APNS_TEAM_ID: "TEAM000001",
    APNS_TOPIC: "org.example.tocsin",
    APNS_URL: apns.url,
  };
}
