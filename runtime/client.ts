import { type Envelope, parseEnvelope } from "../schema/envelope.ts";
import { isRetryable } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import { type Address, subjects } from "../schema/subjects.ts";
import type { CellReply } from "./cell.ts";
import { BEGINNING, entriesAfter } from "./history.ts";
import type { Host } from "./host.ts";
import { type Command, failure, type Message, type Reply } from "./messages.ts";
import { pause } from "./pause.ts";
import { partitionOf } from "./placement/partition.ts";
import { NoResponder, type Ports } from "./ports/index.ts";

export interface ClientOptions {
  readonly partitions: number;
  /** How long an ask goes on, over takeovers and full mailboxes, before it answers 503. */
  readonly timeoutMs: number;
}

export const clientDefaults = { timeoutMs: 10_000 };

export interface AskOptions {
  readonly by: Principal;
  readonly requestId: string;
  /** Repeating a command under the same id gives the first answer. Default: a new one. */
  readonly commandId?: string;
  readonly fingerprint?: string;
  readonly expectedVersion?: number;
  readonly fresh?: boolean;
}

/** What every door (HTTP, and others to come) asks actors through. */
export class Client {
  readonly #ports: Ports;
  readonly #options: ClientOptions;
  readonly #local: Host | undefined;

  /** @param local this process's own host, which is asked without a detour over the server */
  constructor(ports: Ports, options: ClientOptions, local?: Host) {
    this.#ports = ports;
    this.#options = options;
    this.#local = local;
    local?.reachOthersBy((to, message) => this.send(to, message));
  }

  /** Decides and commits. The answer is the actor's state after, or a refusal; it throws for defects alone. */
  ask(to: Address, command: Command, options: AskOptions): Promise<Reply> {
    const commandId = options.commandId ?? this.#ports.ids.uuidV7();
    return this.send(to, { op: "command", command, ...options, commandId });
  }

  /** Keeps what was measured. The answer's state is what was thought of it. */
  report(to: Address, report: unknown, by: Principal, requestId: string): Promise<Reply> {
    return this.send(to, { op: "report", report, by, requestId });
  }

  /** The state as it is. */
  read(to: Address, by: Principal, requestId: string): Promise<Reply> {
    return this.send(to, { op: "read", by, requestId });
  }

  /**
   * An actor's envelopes after a journal sequence, oldest first. The caller has read the actor: it may know of it.
   * @param agency the actor's, where the caller knows it: the server then finds them ten times as fast
   */
  async history(
    of: Address,
    after: number,
    limit: number,
    agency?: string,
  ): Promise<readonly { sequence: number; envelope: Envelope }[]> {
    const subject = agency === undefined ? subjects.eventsOf(of) : subjects.events(agency, of);
    const entries: { sequence: number; envelope: Envelope }[] = [];
    const from = after === 0 ? BEGINNING : { sequence: after };
    for await (const { sequence, payload } of entriesAfter(this.#ports, subject, from, limit)) {
      entries.push({ sequence, envelope: parseEnvelope(payload) });
      if (entries.length === limit) break;
    }
    return entries;
  }

  /** Sends, and sends again while the answer is that nothing was done because of where or when it was asked. */
  async send(to: Address, message: Message): Promise<CellReply> {
    const giveUpAt = this.#ports.clock.monotonicMs() + this.#options.timeoutMs;
    for (let attempt = 0; ; attempt++) {
      const reply = await this.#once(to, message, giveUpAt);
      if (reply.ok || !WORTH_ANOTHER_TRY.has(reply.code) || !isRetryable(reply.code)) return reply;
      // Who has taken part before says so however often: its leader has to look.
      if (message.op === "prepare" && reply.code === "contended") return reply;
      const waitMs = Math.min(250, 5 * 2 ** attempt) * (0.5 + this.#ports.ids.random());
      if (this.#ports.clock.monotonicMs() + waitMs >= giveUpAt) return reply;
      await pause(this.#ports.clock, waitMs);
    }
  }

  #once(to: Address, message: Message, giveUpAt: number): Promise<CellReply> {
    return this.#local?.deliverOwn(to, message) ?? this.#remotely(to, message, giveUpAt);
  }

  async #remotely(to: Address, message: Message, giveUpAt: number): Promise<CellReply> {
    const partition = partitionOf(to, this.#options.partitions);
    const subject = subjects.command(partition, to);
    const timeoutMs = Math.max(1, giveUpAt - this.#ports.clock.monotonicMs());
    // It may have arrived: only the same command id makes it safe to ask again, which a message keeps.
    const unanswered = failure("outcome_unknown", "the host did not answer in time");
    const request = this.#ports.transport.request(subject, JSON.stringify({ to, message }), timeoutMs).then(
      (answer): CellReply => JSON.parse(answer),
      (error: unknown): CellReply =>
        error instanceof NoResponder ? failure("no_host", "no host answers for this partition just now") : unanswered,
    );
    const reply = await this.#unlessMoved(partition, request);
    // A report has no id by which a repetition would be known.
    return reply ?? (message.op === "report" ? unanswered : failure("not_owner", "another host answers for it now"));
  }

  /** @returns undefined when another host took the partition over meanwhile, and the answer did not come soon after */
  #unlessMoved(partition: number, request: Promise<CellReply>): Promise<CellReply | undefined> {
    const leases = this.#local?.leases;
    if (leases === undefined) return request;
    return new Promise((resolve) => {
      let cancel: () => void = () => undefined;
      const forget = leases.onMove(partition, () => {
        forget();
        cancel = this.#ports.clock.after(MOVED_GRACE_MS, () => resolve(undefined));
      });
      void request.then((reply) => {
        forget();
        cancel();
        resolve(reply);
      });
    });
  }
}

/** For an answer that was on its way when its host went. */
const MOVED_GRACE_MS = 250;

const WORTH_ANOTHER_TRY: ReadonlySet<string> = new Set([
  "not_owner",
  "no_host",
  "mailbox_full",
  "contended",
  "stopping",
]);
