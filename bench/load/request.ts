import { createHmac } from "node:crypto";

/** The one request of all benches that create an incident: what a call-taker enters first, about 200 bytes. */
export const createIncidentPath = "/api/v1/incidents";
export const createIncidentBody = JSON.stringify({
  type: "structure_fire",
  category: "fire",
  title: "Smoke from the roof at 12 Example Street",
  priority: 2,
  location: { lat: 37.77, lon: -122.42 },
  address: { street: "12 Example Street", city: "Exampleton" },
});

/** A token for the peers, with the claims that Tocsin's own tokens have. HS256. */
export function signToken(secret: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: "bench", agency: "BENCH", roles: ["dispatcher"], exp: Math.floor(Date.now() / 1_000) + 86_400 };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** One request before any load: a system that refuses it has nothing to be measured. */
export async function requireCreated(url: string, token: string): Promise<void> {
  const response = await fetch(url + createIncidentPath, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: createIncidentBody,
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (response.status !== 201)
    throw new Error(`creating an incident answered ${response.status}: ${text.slice(0, 500)}`);
}
