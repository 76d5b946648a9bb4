import { isUtf8 } from "node:buffer";
import { LRUCache } from "lru-cache";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { KnownSource } from "../../actors/secret-holder/source.ts";
import type { Board } from "../../runtime/board.ts";
import { chainHash } from "../../runtime/chain.ts";
import type { Client } from "../../runtime/client.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import { type AlertReport, raiseAlerts } from "../../schema/alert.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import { contentOf } from "../http/handlers/alerts.ts";
import { issuesOf, ProblemError } from "../http/problem.ts";
import type { Delivery } from "./delivery.ts";
import { alertmanagerPayload, alertmanagerReports } from "./formats/alertmanager.ts";
import { capReports } from "./formats/cap-reports.ts";
import { mappedReports } from "./formats/mapped.ts";
import type { Said } from "./formats/report.ts";
import { Unreadable } from "./formats/xml.ts";
import type { AlertIntake, Receipt, Report } from "./intake.ts";
import { flawInSignature, type SourceSecrets, sameText } from "./secrets.ts";

/** Of a request as it came, so much is kept with its first report. */
const RAW_MAX_CHARACTERS = 16_384;

/** Sources whose rate is watched at once; one that was quiet for longer begins anew. */
const WATCHED_MAX = 10_000;

export interface WebhookParts {
  readonly board: Board;
  readonly client: Client;
  readonly clock: Clock;
  readonly intake: AlertIntake;
  readonly secrets: SourceSecrets;
}

/** What sources send with credentials of their own: checked, read in their format, and kept. */
export class Webhooks {
  readonly #parts: WebhookParts;
  readonly #limiters = new LRUCache<string, RateLimiterMemory>({ max: WATCHED_MAX });

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  /** @throws ProblemError: of a source that there is not as of a credential that is not right */
  async receive(id: string, delivery: Delivery, requestId: string): Promise<readonly Receipt[]> {
    const source = await this.#sourceOf(id, requestId);
    const flaw = source === undefined ? "no such credential" : this.#flawOf(id, source, delivery);
    if (source === undefined || flaw !== undefined) throw new ProblemError("unauthenticated", flaw ?? "");
    const { fields, agencyId } = source;
    if (!fields.enabled) throw new ProblemError("forbidden", "this source is switched off");
    await this.#limit(id, fields.ratePerSecond);
    if (delivery.bytes.length > fields.bytesMax)
      throw new ProblemError("body_too_large", `at most ${fields.bytesMax} bytes from this source`);
    const said = readAs(fields, delivery);
    if (said.length === 0) return [];
    const raw = isUtf8(delivery.bytes)
      ? Buffer.from(delivery.bytes.buffer, delivery.bytes.byteOffset, delivery.bytes.byteLength)
          .toString()
          .slice(0, RAW_MAX_CHARACTERS)
      : undefined;
    const { autoResolveSeconds, incidentFrom, silentAfterSeconds = null } = fields;
    const reports = said.map(
      (one, index): Report => ({
        agencyId,
        source: { scope: id, name: fields.name },
        policy: { incidentFrom, autoResolveAfterMs: inMs(autoResolveSeconds), silentAfterMs: inMs(silentAfterSeconds) },
        by: `source:${id}`,
        requestId,
        ...one,
        ...(raw === undefined || index > 0 ? {} : { raw }),
      }),
    );
    const repeated = repetitionOf(id, delivery);
    return this.#parts.intake.take(reports, repeated === undefined ? undefined : { id: repeated, ids: [] });
  }

  async #sourceOf(id: string, requestId: string): Promise<KnownSource | undefined> {
    const { board, client } = this.#parts;
    const address = { kind: "source", id };
    const row = board.get(address);
    if (row !== undefined) return row.state as KnownSource;
    const reply = await client.read(address, systemPrincipal("webhooks"), requestId);
    if (reply.ok) return reply.state as KnownSource;
    if (reply.code === "not_found") return;
    throw new ProblemError(reply.code, reply.detail, reply.data);
  }

  #flawOf(id: string, { fields, generation }: KnownSource, { bytes, credential }: Delivery): string | undefined {
    const secret = this.#parts.secrets.secretOf(id, generation);
    if (fields.credential === "hmac") return flawInSignature(secret, { ...credential, bytes }, this.#parts.clock.now());
    return sameText(credential.authorization, `Bearer ${secret}`) ? undefined : "no such credential";
  }

  async #limit(id: string, ratePerSecond: number): Promise<void> {
    let limiter = this.#limiters.get(id);
    if (limiter === undefined || limiter.points !== ratePerSecond) {
      limiter = new RateLimiterMemory({ points: ratePerSecond, duration: 1 });
      this.#limiters.set(id, limiter);
    }
    try {
      await limiter.consume(id);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfterSeconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
      throw new ProblemError("rate_limited", `at most ${ratePerSecond} requests a second from this source`, {
        retryAfterSeconds,
      });
    }
  }
}

const inMs = (seconds: number | null) => (seconds === null ? null : seconds * 1_000);

/** A delivery that is sent again is known by its own id; a signed one also by its signature, so that none can be replayed. */
function repetitionOf(id: string, { credential: { delivery, signature } }: Delivery): string | undefined {
  const known = delivery !== "" ? delivery : signature;
  return known === "" ? undefined : chainHash(JSON.stringify([id, known]));
}

function readAs({ format, mapping }: KnownSource["fields"], { bytes }: Delivery): readonly Said[] {
  try {
    if (format === "cap") return capReports(bytes);
    const json = jsonOf(bytes);
    if (format === "alertmanager") {
      const payload = alertmanagerPayload.safeParse(json);
      if (!payload.success) throw new ProblemError("invalid_body", "see issues", { issues: issuesOf(payload.error) });
      return alertmanagerReports(payload.data);
    }
    return (mapping === null ? inOurForm(json) : mappedReports(json, mapping)).map(saidBy);
  } catch (error) {
    if (error instanceof Unreadable) throw new ProblemError("invalid_body", error.message);
    if (error instanceof RangeError) throw new ProblemError("malformed_json", "nested too deeply");
    throw error;
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    if (!isUtf8(bytes)) throw new Error("not UTF-8");
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new ProblemError("malformed_json", error instanceof Error ? error.message.slice(0, 200) : "not JSON");
  }
}

function inOurForm(json: unknown): readonly AlertReport[] {
  const parsed = raiseAlerts.safeParse(json);
  if (!parsed.success) throw new ProblemError("invalid_body", "see issues", { issues: issuesOf(parsed.error) });
  const { alerts, agencyId: _agency, ...one } = parsed.data;
  return alerts ?? [one];
}

function saidBy(given: AlertReport): Said {
  const { action = "trigger", nature = "actual", dedupKey } = given;
  return { action, nature, dedupKey, ...(action === "trigger" ? { content: contentOf(given) } : {}) };
}
