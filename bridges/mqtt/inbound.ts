import { hash } from "node:crypto";
import { Unreadable } from "../../gateways/alerts/formats/xml.ts";
import type { AlertIntake, Report } from "../../gateways/alerts/intake.ts";
import { type Executor, problemIn } from "../../gateways/executor.ts";
import { contentOf } from "../../gateways/http/handlers/alerts.ts";
import { chainHash } from "../../runtime/chain.ts";
import { pause } from "../../runtime/pause.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { isRetryable } from "../../schema/errors.ts";
import type { OperationId } from "../../schema/routes.ts";
import type { AlertsSaid, Reader, Said, UnitSaid } from "./reading.ts";
import type { Message } from "./session.ts";
import type { Units } from "./units.ts";

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** Of what could not be read, so much is kept for the operators. */
const KEPT_CHARACTERS = 4_096;

export interface InboundParts {
  readonly ports: Ports;
  readonly intake: AlertIntake;
  readonly executor: Executor;
  readonly units: Units;
  readonly read: Reader;
}

/** What a message could not do, now or later. */
class Refused extends Error {
  override name = "Refused";
}

/**
 * Does what messages say. Whoever sends one of QoS 1 may forget it once it is done: then it is in the intake, the unit's
 * journal or the telemetry. Sent again, by the broker or by its sender, it is known by its id.
 */
export class Inbound {
  readonly #parts: InboundParts;
  #isStopped = false;
  #done = 0;
  #refused = 0;

  constructor(parts: InboundParts) {
    this.#parts = parts;
  }

  get figures() {
    return { mqttMessagesDone: this.#done, mqttMessagesRefused: this.#refused };
  }

  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Resolves once it is done for good, or cannot be done at all, which is kept among the dead letters; never when we stop.
   * @param session tells packet ids of this session from those of another
   */
  async take(message: Message, session: string): Promise<void> {
    try {
      const said = this.#parts.read(message.topic, message.payload);
      // Retained by a broker, it was said long ago, and was heard then.
      if (said === undefined || message.retained) return;
      const id = idOf(message, said, session);
      await this.#untilDone(() => this.#do(said, id));
      this.#done += 1;
    } catch (error) {
      if (error === STOPPED) return NEVER;
      await this.#refuse(message, error);
    }
  }

  #do({ agency, content }: Said, id: string | undefined): Promise<unknown> {
    return content.of === "alerts" ? this.#keep(agency, content, id) : this.#tellUnit(agency, content, id);
  }

  #keep(agencyId: string, { topic, reports }: AlertsSaid, id: string | undefined): Promise<unknown> {
    const { source: name, incidentFrom, autoResolveSeconds, silentAfterSeconds } = topic;
    const taken = reports.map((given): Report => {
      const { action = "trigger", nature = "actual", dedupKey, deviceId } = given;
      return {
        agencyId,
        source: { scope: `mqtt-${name}`, name },
        policy: { incidentFrom, autoResolveAfterMs: inMs(autoResolveSeconds), silentAfterMs: inMs(silentAfterSeconds) },
        by: `mqtt:${deviceId ?? name}`,
        requestId: this.#parts.ports.ids.token(),
        action,
        nature,
        dedupKey,
        ...(action === "trigger" ? { content: contentOf(given) } : {}),
      };
    });
    return this.#parts.intake.take(taken, id === undefined ? undefined : { id, ids: [] });
  }

  async #tellUnit(agency: string, { of, unit: name, body }: UnitSaid, id: string | undefined): Promise<void> {
    const unit = this.#parts.units.find(agency, name);
    if (unit === undefined) throw new Refused(`agency ${agency} has no unit ${name}`);
    const operation: OperationId = of === "location" ? "reportLocation" : "patchResourceStatus";
    await this.#parts.executor.execute({
      operation,
      // How much comes in is bounded by what is under way at once.
      principal: {
        subject: `mqtt:${name}`,
        agencies: [agency],
        roles: ["device"],
        resourceId: unit.id,
        unlimited: true,
      },
      requestId: this.#parts.ports.ids.token(),
      parameters: [unit.state.resourceType, unit.id],
      query: () => ({}),
      body: async () => ({ json: body, bytes: Buffer.from(JSON.stringify(body)) }),
      idempotencyKey: id ?? "",
      ifMatch: "",
      sequence: "",
    });
  }

  async #untilDone(action: () => Promise<unknown>): Promise<void> {
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(RETRY_MAX_MS, 2 * waitMs)) {
      if (this.#isStopped) throw STOPPED;
      try {
        await action();
        return;
      } catch (error) {
        const problem = problemIn(error);
        if (problem === undefined) throw error;
        if (!isRetryable(problem.code)) throw new Refused(`${problem.code}: ${problem.detail}`);
        await pause(this.#parts.ports.clock, waitMs);
      }
    }
  }

  async #refuse({ topic, payload }: Message, error: unknown): Promise<void> {
    const { deadLetters, clock, ids, log } = this.#parts.ports;
    this.#refused += 1;
    const isOurs = !(error instanceof Unreadable) && !(error instanceof Refused);
    if (isOurs) log.error({ error, topic }, "an MQTT message failed");
    const reason = `${topic.slice(0, 500)}: ${error instanceof Error ? error.message : error}`;
    const message = payload.toString().slice(0, KEPT_CHARACTERS);
    const requestId = ids.token();
    const at = new Date(clock.now()).toISOString();
    try {
      await deadLetters.put({ kind: "mqtt-message", id: requestId, reason, at, requestId, message });
    } catch (lost) {
      log.error({ topic, reason, lost }, "an MQTT message that failed could not be kept");
    }
  }
}

const inMs = (seconds: number | null) => (seconds === null ? null : seconds * 1_000);

const STOPPED = Symbol("stopped");
const NEVER = new Promise<void>(() => undefined);

/** Of QoS 0, nothing is sent again but by the sender. */
function idOf({ topic, payload, packetId }: Message, { agency, messageId }: Said, session: string): string | undefined {
  if (messageId !== undefined) return chainHash(JSON.stringify([agency, topic, messageId]));
  if (packetId === undefined) return;
  // The broker may use a packet's id again, for another message.
  const digest = hash("sha256", payload, "base64url");
  return chainHash(JSON.stringify([session, packetId, topic, digest]));
}
