import { describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import type { CellReply } from "../../runtime/cell.ts";
import { failure, type Message } from "../../runtime/messages.ts";
import type { DeadLetters, KeptLetter } from "../../runtime/ports/index.ts";
import type { Address } from "../../schema/subjects.ts";
import { replayLetters } from "./replay-letters.ts";

const by = { subject: "admin", agencies: ["a"], roles: ["admin"] };

function command(type: string): object {
  return { op: "command", by, requestId: "r", commandId: `c-${type}`, command: { type } };
}

/** A store of letters, and actors of which each command's type says what becomes of it. */
class Town {
  readonly letters: KeptLetter[] = [];
  readonly sent: { to: Address; message: Message & { op: "command" } }[] = [];
  readonly printed: string[] = [];
  #last = 0;

  bury(id: string, message: unknown, kind = "incident"): this {
    this.#last += 1;
    const requestId = String(Object(message).requestId);
    this.letters.push({ kind, id, reason: "r", at: "t", requestId, message, sequence: this.#last });
    return this;
  }

  replay(sequences: readonly number[] | "all"): Promise<boolean> {
    const deadLetters: DeadLetters = {
      put: async () => undefined,
      list: async (limit, after = 0) => this.letters.filter(({ sequence }) => sequence > after).slice(0, limit),
      remove: async (sequence) => {
        this.letters.splice(
          this.letters.findIndex((letter) => letter.sequence === sequence),
          1,
        );
      },
    };
    const ids = { uuidV7: () => "", token: () => `t${this.sent.length}`, random: () => 0 };
    const out = {
      result: (text: string) => void this.printed.push(text),
      note: (text: string) => void this.printed.push(text),
      terminal: undefined,
    };
    const client = { send: async (to: Address, message: Message) => this.#answer(to, message) };
    return replayLetters(sequences, { ports: { deadLetters, ids }, client, registry, out });
  }

  get kept(): number[] {
    return this.letters.map(({ sequence }) => sequence);
  }

  #answer(to: Address, message: Message): CellReply {
    if (message.op !== "command") return { ok: true, state: {}, version: 1, sequence: 1 };
    this.sent.push({ to, message });
    switch (message.command.type) {
      case "fine":
        return { ok: true, state: {}, version: 4, sequence: 9 };
      case "again":
        return { ok: true, state: {}, version: 4, sequence: 9, replayed: true };
      case "refused":
        return failure("unit_held", "held by \u001b[31mi9");
      case "busy":
        return failure("mailbox_full", "much is waiting");
      case "nobody":
        return failure("no_host", "no host");
      default:
        this.bury(to.id, message);
        return failure("poison", "it threw");
    }
  }
}

describe("replaying dead letters", () => {
  it("sends the command again under its old id, and removes what is done or refused", async () => {
    const town = new Town().bury("i1", command("fine")).bury("i2", command("again")).bury("i3", command("refused"));
    expect(await town.replay("all")).toBe(true);
    expect(town.sent.map(({ to, message }) => [to.id, message.commandId, message.requestId])).toEqual([
      ["i1", "c-fine", "r-again-t0"],
      ["i2", "c-again", "r-again-t1"],
      ["i3", "c-refused", "r-again-t2"],
    ]);
    expect(town.kept).toEqual([]);
    expect(town.printed).toEqual([
      "1  incident.i1  done, version 4",
      "2  incident.i2  had been done before, version 4",
      "3  incident.i3  refused, unit_held: held by \\u001b[31mi9",
      "3 settled and removed, 0 failed, 0 left alone",
    ]);
  });

  it("keeps what fails again, and does not let it multiply", async () => {
    const town = new Town().bury("i1", command("poison")).bury("i2", command("busy")).bury("i3", command("fine"));
    expect(await town.replay("all")).toBe(false);
    expect(town.kept).toEqual([1, 2]);
    expect(town.printed).toContain("1  incident.i1  failed, poison: it threw");
    expect(town.printed).toContain("2  incident.i2  failed, mailbox_full: much is waiting");
    expect(await town.replay("all")).toBe(false);
    expect(town.kept).toEqual([1, 2]);
  });

  it("leaves alone what comes after a failure of the same actor", async () => {
    const town = new Town().bury("i1", command("poison")).bury("i1", command("fine")).bury("i2", command("fine"));
    expect(await town.replay("all")).toBe(false);
    expect(town.sent.map(({ to }) => to.id)).toEqual(["i1", "i2"]);
    expect(town.kept).toEqual([1, 2]);
  });

  it("sends only the letters that are named, and tells of those that are not there", async () => {
    const town = new Town().bury("i1", command("fine")).bury("i2", command("fine"));
    expect(await town.replay([2, 7])).toBe(false);
    expect(town.kept).toEqual([1]);
    expect(town.printed).toContain("7  there is no such letter");
  });

  it("stops where no node answers", async () => {
    const town = new Town().bury("i1", command("nobody")).bury("i2", command("fine"));
    expect(await town.replay("all")).toBe(false);
    expect(town.sent).toHaveLength(1);
    expect(town.kept).toEqual([1, 2]);
  });

  it.each([
    ["a vote on another actor's commit", { op: "prepare", cause: "incident.\u001b[2Ji1" }, "incident"],
    ["nothing", null, "incident"],
    ["text", "\u001b[2J", "incident"],
    ["a command without a sender", { ...command("fine"), by: { subject: "x" } }, "incident"],
    ["a command for an actor that this version does not know", command("fine"), "drone"],
  ])("sends nothing and keeps a letter that holds %s", async (_what, message, kind) => {
    const town = new Town().bury("i1", message, kind);
    expect(await town.replay("all")).toBe(false);
    expect(town.sent).toEqual([]);
    expect(town.kept).toEqual([1]);
    expect(town.printed.join()).not.toContain("\u001b");
  });

  it.each(["alert-report", "mqtt-message"])(
    "sends no %s, which is no command, and says what to do with it",
    async (kind) => {
      const town = new Town().bury("17", "what a device has said", kind);
      expect(await town.replay("all")).toBe(false);
      expect(town.sent).toEqual([]);
      expect(town.kept).toEqual([1]);
      expect(town.printed.join()).toContain("have its sender say it again");
    },
  );

  it("sends nothing to an id that would change a subject's meaning", async () => {
    const town = new Town().bury("*.>", command("fine"));
    expect(await town.replay("all")).toBe(false);
    expect(town.sent).toEqual([]);
  });

  it("reads again what was read", async () => {
    const town = new Town().bury("i1", { op: "read", by, requestId: "r" });
    expect(await town.replay("all")).toBe(true);
  });
});
