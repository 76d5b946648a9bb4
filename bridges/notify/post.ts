import { createHmac } from "node:crypto";
import { lookup } from "node:dns";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Reachable } from "./private-addresses.ts";

/** Shorter than a delivery waits before it is tried again. */
const TIMEOUT_MS = 10_000;

/** It can never arrive so: nobody need try again. */
export class NotToBeReached extends Error {
  override name = "NotToBeReached";
}

/** HMAC-SHA256 of timestamp, dot and body: as sources sign what they send us. */
export function signatureOf(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex")}`;
}

/**
 * Posts once, follows nothing, and reads nothing of the answer but its status. Where a name leads is looked up once, and the
 * connection goes to that very address, which was looked at.
 * @throws NotToBeReached, and whatever the network throws
 */
export function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  reachable: Reachable,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const host = target.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && !reachable.allows(host)) return reject(refusal(host));
    const send = target.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(
      target,
      {
        method: "POST",
        headers: { ...headers, "content-length": Buffer.byteLength(body) },
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        lookup: lookupWithin(reachable),
      },
      (response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
    );
    request.once("error", reject);
    request.end(body);
  });
}

const refusal = (address: string) =>
  new NotToBeReached(`${address} is private; list it in WEBHOOK_NETWORKS if it is meant`);

function lookupWithin(reachable: Reachable): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, "", 0);
      const bad = found.find(({ address }) => !reachable.allows(address));
      const [first] = found;
      if (bad !== undefined || first === undefined) return callback(refusal(bad?.address ?? hostname), "", 0);
      if (options.all === true) return callback(null, found);
      return callback(null, first.address, first.family);
    });
  };
}
