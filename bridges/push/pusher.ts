import type { KnownDevices } from "../../actors/devices/definition.ts";
import { nextTaskAt } from "../../actors/page/definition.ts";
import { type Delivery, deliveriesOf, type KnownPage } from "../../actors/page/state.ts";
import type { Board, Row } from "../../runtime/board.ts";
import type { Client } from "../../runtime/client.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import type { Attempt } from "../../schema/push.ts";
import type { Address } from "../../schema/subjects.ts";
import type { Addresses } from "./addresses.ts";
import { compose } from "./compose.ts";
import type { Notification, Outcome, Provider, Providers, TargetOf } from "./notification.ts";

export interface PusherParts {
  readonly ports: Ports;
  readonly client: Client;
  readonly board: Board;
  /** Does this process's host own the partition of the address? */
  readonly owns: (address: Address) => boolean;
  readonly providers: Providers;
  readonly addresses: Addresses;
}

/** What is due by time alone is looked for this often; what has just happened at once. */
const LOOK_EVERY_MS = 250;
const AT_ONCE = 64;
const ASK_AGAIN_MS = 500;
const by = systemPrincipal("push");

interface Task {
  readonly row: Row;
  readonly delivery: Delivery;
}

/**
 * Sends what pages say is due, and tells them what came of it. The page is the list of what is to be done: this keeps
 * nothing. Whoever owns the page's partition does it; two at once call a device twice, under one topic.
 */
export class Pusher {
  readonly #parts: PusherParts;
  /** Pages that may have something to be sent. */
  readonly #open = new Set<string>();
  readonly #underWay = new Set<string>();
  #cancel: () => void = () => undefined;
  #soon = false;
  #stopping = false;
  #sent = 0;
  #failed = 0;

  constructor(parts: PusherParts) {
    this.#parts = parts;
  }

  get figures() {
    return { pushesSent: this.#sent, pushesFailed: this.#failed, pushesUnderWay: this.#underWay.size };
  }

  start(): void {
    const { board } = this.#parts;
    for (const { id } of board.all("page")) this.#open.add(id);
    board.onEntry(({ kind, id }) => {
      if (kind !== "page") return;
      this.#open.add(id);
      this.#lookSoon();
    });
    this.#every();
  }

  stop(): void {
    this.#stopping = true;
    this.#cancel();
    for (const provider of Object.values(this.#parts.providers)) provider?.stop?.();
  }

  #every(): void {
    this.#cancel = this.#parts.ports.clock.after(LOOK_EVERY_MS, () => {
      this.#look();
      if (!this.#stopping) this.#every();
    });
  }

  #lookSoon(): void {
    if (this.#soon || this.#stopping) return;
    this.#soon = true;
    this.#parts.ports.clock.soon(() => {
      this.#soon = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#stopping) return;
    const now = new Date(this.#parts.ports.clock.now()).toISOString();
    for (const id of this.#open) {
      const row = this.#parts.board.get({ kind: "page", id });
      const next = row && nextTaskAt(row.state as KnownPage);
      if (row === undefined || next === undefined) {
        this.#open.delete(id);
        continue;
      }
      if (next > now || !this.#parts.owns({ kind: "page", id })) continue;
      for (const delivery of deliveriesOf(row.state as KnownPage)) {
        if (this.#underWay.size >= AT_ONCE) return;
        const { task, nextAt } = delivery;
        if (task !== null && nextAt !== null && nextAt <= now) void this.#do({ row, delivery });
      }
    }
  }

  async #do(task: Task): Promise<void> {
    const { row, delivery } = task;
    const key = `${row.id} ${delivery.id}`;
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    const { log } = this.#parts.ports;
    try {
      const attempt = await this.#attempt(task);
      if (attempt.outcome === "sent") this.#sent += 1;
      if (attempt.outcome === "failed" && delivery.task === "tell") await this.#bury(task, attempt);
      await this.#tellPage(task, attempt);
    } catch (error) {
      log.warn({ error, pageId: row.id }, "a page could not be told what came of a push; it is sent again");
    } finally {
      this.#underWay.delete(key);
      this.#lookSoon();
    }
  }

  async #attempt({ row, delivery }: Task): Promise<Attempt> {
    const { board, addresses, providers, ports } = this.#parts;
    const deviceId = delivery.id;
    const failed = (detail: string): Attempt => ({ deviceId, outcome: "failed", detail });
    const owner = this.#ownerOf(row, deviceId);
    const kept = (owner?.state as KnownDevices | undefined)?.devices.find(({ id }) => id === deviceId);
    if (owner === undefined || kept === undefined) return failed("the device is not registered any more");
    const provider = providers[delivery.kind] as Provider<typeof delivery.kind> | undefined;
    if (provider === undefined) return failed(`${delivery.kind} is not configured here`);
    const notification = compose(board, row.id, row.state as KnownPage, delivery, ports.clock.now());
    const target = addresses.open(kept.sealed, deviceId) as TargetOf<typeof delivery.kind> | undefined;
    if (target === undefined)
      return failed("its address was sealed with a key that is lost: it has to be registered again");
    const result = await this.#sendBy(provider, target, notification);
    if (result.outcome !== "gone") return { deviceId, ...result };
    const command = { type: "gone", deviceId, sealed: kept.sealed };
    await this.#parts.client.ask({ kind: "devices", id: owner.id }, command, { by, requestId: `gone.${deviceId}` });
    return failed(result.detail);
  }

  /** A provider's own defect must not keep the others from being sent. */
  async #sendBy<K extends keyof Providers>(
    provider: Provider<K>,
    target: TargetOf<K>,
    notification: Notification,
  ): Promise<Outcome> {
    try {
      return await provider.send(target, notification);
    } catch (error) {
      this.#parts.ports.log.error({ error, pageId: notification.pageId }, "a push failed");
      return { outcome: "retry", detail: String(error) };
    }
  }

  #ownerOf(row: Row, deviceId: string): Row | undefined {
    const { board } = this.#parts;
    const called = (row.state as KnownPage).recipients.find(({ devices }) => devices.some(({ id }) => id === deviceId));
    if (called?.subject == null) return;
    for (const owner of board.rowsOf("devices", [row.agency], { calls: `subject ${called.subject}` })) {
      if ((owner.state as KnownDevices).devices.some(({ id }) => id === deviceId)) return owner;
    }
    return;
  }

  async #tellPage({ row, delivery }: Task, attempt: Attempt): Promise<void> {
    const { client, ports, board } = this.#parts;
    const { round } = row.state as KnownPage;
    const command = { type: "report", round, attempts: [attempt] };
    const address = { kind: "page", id: row.id };
    // An answer that is lost is asked for again under the same id: an attempt counts once.
    const commandId = `push.${row.id}.${round}.${delivery.id}.${delivery.task}.${Date.parse(delivery.nextAt ?? "")}`;
    for (;;) {
      const reply = await client.ask(address, command, { by, requestId: commandId, commandId });
      if (reply.ok) {
        await board.waitFor(reply.sequence, ASK_AGAIN_MS);
        return;
      }
      if (this.#stopping || reply.code !== "outcome_unknown") throw new Error(`${reply.code}: ${reply.detail}`);
      await new Promise<void>((resolve) => ports.clock.after(ASK_AGAIN_MS, resolve));
    }
  }

  /** What is given up is kept for the operators, who may have it tried again. */
  async #bury({ row, delivery }: Task, { detail = "" }: Attempt): Promise<void> {
    this.#failed += 1;
    const { deadLetters, clock } = this.#parts.ports;
    const requestId = `push.${row.id}.${delivery.id}`;
    await deadLetters.put({
      kind: "page",
      id: row.id,
      reason: `a push by ${delivery.kind} failed: ${detail}`,
      at: new Date(clock.now()).toISOString(),
      requestId,
      message: {
        op: "command",
        by,
        requestId,
        commandId: `${requestId}.retry`,
        command: { type: "retry", deviceId: delivery.id },
      },
    });
  }
}
