import type { DeliveryState, KnownDelivery } from "../../actors/delivery/definition.ts";
import type { HookState, KnownHook } from "../../actors/secret-holder/hook.ts";
import type { SourceSecrets } from "../../gateways/alerts/secrets.ts";
import type { Board } from "../../runtime/board.ts";
import type { Client } from "../../runtime/client.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import type { Vault } from "../../runtime/vault/vault.ts";
import { parseEnvelope } from "../../schema/envelope.ts";
import type { DeliveryEvent } from "../../schema/notification.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import { type Address, isSafeToken } from "../../schema/subjects.ts";
import { eventOf, isOfIncident, textOf } from "./body.ts";
import { NotToBeReached, post, signatureOf } from "./post.ts";
import type { Reachable } from "./private-addresses.ts";

export interface CourierParts {
  readonly ports: Ports;
  readonly board: Board;
  readonly client: Client;
  readonly vault: Vault;
  readonly secrets: SourceSecrets;
  readonly reachable: Reachable;
  readonly owns: (address: Address) => boolean;
  /** Publishes by MQTT; undefined while this host has no connection to a broker. */
  readonly publish: () => ((topic: string, payload: string) => Promise<void>) | undefined;
}

/** Attempts at once; the others wait for their turn. */
const UNDER_WAY_MAX = 64;

const by = systemPrincipal("courier");
const TRIED: ReadonlySet<string> = new Set(["delivery.queued", "delivery.due"] satisfies DeliveryEvent["type"][]);

/** It will not be otherwise, however often it is tried. */
class Hopeless extends Error {
  override name = "Hopeless";
}

/**
 * Tries what is to be delivered, on the host that owns the delivery, and tells it what came of it. If nobody tells, the
 * delivery asks again by itself: so a crash here loses nothing.
 */
export class Courier {
  readonly #parts: CourierParts;
  readonly #waiting: string[] = [];
  #underWay = 0;
  #isStopped = false;
  #delivered = 0;
  #failed = 0;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    parts.board.onEntry(({ kind, id }, { payload }) => {
      if (kind !== "delivery" || this.#isStopped) return;
      if (!parseEnvelope(payload).events.some(({ type }) => TRIED.has(type))) return;
      this.#waiting.push(id);
      this.#pump();
    });
  }

  get figures() {
    return {
      notificationsDelivered: this.#delivered,
      notificationsFailed: this.#failed,
      notificationsWaiting: this.#waiting.length + this.#underWay,
    };
  }

  stop(): void {
    this.#isStopped = true;
  }

  #pump(): void {
    while (this.#underWay < UNDER_WAY_MAX && !this.#isStopped) {
      const id = this.#waiting.shift();
      if (id === undefined) return;
      this.#underWay += 1;
      void this.#try(id)
        .catch((error: unknown) => this.#parts.ports.log.warn({ error, id }, "a delivery was not settled; it will be"))
        .then(() => {
          this.#underWay -= 1;
          this.#pump();
        });
    }
  }

  async #try(id: string): Promise<void> {
    const { board, owns, publish } = this.#parts;
    const it = board.get({ kind: "delivery", id })?.state as DeliveryState | undefined;
    if (it?.phase !== "known" || it.status !== "waiting" || it.askedAt === null) return;
    // One host alone is connected to the broker; any other delivery is its owner's to try.
    const mqtt = publish();
    if (it.target.kind === "mqtt" ? mqtt === undefined : !owns({ kind: "delivery", id })) return;
    try {
      await this.#deliver(id, it, mqtt);
    } catch (error) {
      const isHopeless = error instanceof Hopeless || error instanceof NotToBeReached;
      return this.#report(id, isHopeless ? "failed" : "again", error instanceof Error ? error.message : String(error));
    }
    this.#delivered += 1;
    return this.#report(id, "delivered", null);
  }

  async #deliver(id: string, it: KnownDelivery, publish: ReturnType<CourierParts["publish"]>): Promise<void> {
    const { agencyId, target, about } = it;
    if (target.kind === "channel") return this.#say(id, it);
    const body = eventOf(this.#parts.board, id, about);
    if (target.kind === "mqtt") return publish!(`tocsin/${agencyId}/notifications/${levelFrom(target.to)}`, body);
    return this.#post(id, it, body);
  }

  async #post(id: string, { agencyId, target }: KnownDelivery, body: string): Promise<void> {
    const { secrets, reachable, ports } = this.#parts;
    const hook = this.#hook(agencyId, target.to);
    if (hook === undefined) throw new Hopeless(`there is no webhook ${target.to}`);
    if (!hook.state.fields.enabled) throw new Hopeless(`the webhook ${target.to} is switched off`);
    const timestamp = String(Math.floor(ports.clock.now() / 1_000));
    const secret = secrets.secretOf(hook.id, hook.state.generation, "hook");
    const status = await post(
      hook.state.fields.url,
      body,
      {
        "content-type": "application/cloudevents+json",
        "tocsin-delivery": id,
        "tocsin-timestamp": timestamp,
        "tocsin-signature": signatureOf(secret, timestamp, body),
      },
      reachable,
    );
    if (status >= 200 && status < 300) return;
    // Too early, too often, or a server's own trouble pass; what is refused for what it is does not.
    const mayPass = status >= 500 || status === 408 || status === 425 || status === 429;
    throw mayPass ? new Error(`answered with ${status}`) : new Hopeless(`answered with ${status}`);
  }

  #hook(agencyId: string, name: string): { readonly id: string; readonly state: KnownHook } | undefined {
    for (const { id, state } of this.#parts.board.rowsOf("hook", [agencyId])) {
      const hook = state as HookState;
      if (hook.phase === "known" && (hook.fields.name === name || id === name)) return { id, state: hook };
    }
    return;
  }

  async #say(id: string, { agencyId, target, about }: KnownDelivery): Promise<void> {
    const { board, client, vault } = this.#parts;
    const channel = { kind: "channel", id: target.to };
    const row = isSafeToken(target.to) ? board.get(channel) : undefined;
    if (row?.agency !== agencyId) throw new Hopeless("there is no such channel");
    const sealed = (await vault.keyFor(target.to)).seal(textOf(board, about), { messageId: id, author: by.subject });
    const isUrgent = isOfIncident(about) || about.reason === "firing" || about.reason === "escalation";
    const command = { type: "post", messageId: id, sealed, priority: isUrgent ? "urgent" : "normal", replyTo: null };
    // Said again after a crash, it is the same message.
    const reply = await client.ask(channel, command, { by, requestId: id, commandId: `${id}-said` });
    if (!reply.ok) throw new (reply.code === "channel_closed" ? Hopeless : Error)(`${reply.code}: ${reply.detail}`);
  }

  async #report(id: string, outcome: "delivered" | "again" | "failed", detail: string | null): Promise<void> {
    const { client, ports } = this.#parts;
    const to = { kind: "delivery", id };
    const reply = await client.ask(to, { type: "report", outcome, detail }, { by, requestId: id });
    if (!reply.ok) throw new Error(`${reply.code}: ${reply.detail}`);
    if ((reply.state as KnownDelivery).status !== "failed") return;
    this.#failed += 1;
    const at = new Date(ports.clock.now()).toISOString();
    const message = { op: "command", by, requestId: id, commandId: ports.ids.uuidV7(), command: { type: "retry" } };
    await ports.deadLetters.put({ ...to, reason: detail ?? "given up", at, requestId: id, message });
  }
}

/** A target's name as one level of a topic, or several. */
const levelFrom = (to: string) => to.replace(/[+#\0]/g, "_");
