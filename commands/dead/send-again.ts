import { z } from "zod";
import type { Registry } from "../../runtime/actor.ts";
import type { Client } from "../../runtime/client.ts";
import type { Message } from "../../runtime/messages.ts";
import type { KeptLetter } from "../../runtime/ports/index.ts";
import { errorKinds } from "../../schema/errors.ts";
import { isSafeToken } from "../../schema/subjects.ts";

/** What became of a letter. */
export type Outcome =
  /** Done, or refused for good: the letter has served. */
  | { readonly kind: "settled"; readonly text: string }
  /** It fails still, or it is not known what became of it: the letter stays. */
  | { readonly kind: "failed"; readonly text: string; readonly buriedAgain: boolean }
  /** Nobody is there to answer: the others need not be tried. */
  | { readonly kind: "nobody"; readonly text: string };

const by = z.looseObject({ subject: z.string(), agencies: z.array(z.string()), roles: z.array(z.string()) });
const sendable = z.discriminatedUnion("op", [
  z.looseObject({
    op: z.literal("command"),
    by,
    requestId: z.string(),
    commandId: z.string().min(1),
    command: z.looseObject({ type: z.string() }),
  }),
  z.looseObject({ op: z.literal("read"), by, requestId: z.string() }),
]);

/** What was said to us from outside, and is kept as it was said. */
const NO_COMMANDS: ReadonlySet<string> = new Set(["alert-report", "mqtt-message"]);

const failed = (text: string, buriedAgain = false): Outcome => ({ kind: "failed", text, buriedAgain });

/**
 * Sends a letter's message to its actor once more, as it was.
 * @param requestId in place of its own, so that what the node tells of this time can be told from what it told of the first
 */
export async function sendAgain(
  { kind, id, message }: KeptLetter,
  client: Pick<Client, "send">,
  registry: Registry,
  requestId: string,
): Promise<Outcome> {
  if (NO_COMMANDS.has(kind))
    return failed("it is no command: have its sender say it again if it still matters, and remove it");
  if (!registry.has(kind) || !isSafeToken(id)) return failed("this version of Tocsin knows no such actor");
  const { op, cause } = Object(message) as { op?: unknown; cause?: unknown };
  if (op === "prepare") {
    // Alone it would vote on a commit that nobody leads. Whoever sent the command got an answer, and may send it again.
    return failed(`it is a part of a command to ${cause}, and cannot be sent alone; remove it once that is mended`);
  }
  const parsed = sendable.safeParse(message);
  if (!parsed.success) return failed("it holds no message that could be sent");
  const reply = await client.send({ kind, id }, { ...(parsed.data as unknown as Message), requestId });
  if (reply.ok) {
    const before = reply.replayed === true ? "had been done before" : "done";
    return { kind: "settled", text: `${before}, version ${reply.version}` };
  }
  const text = `${reply.code}: ${reply.detail}`;
  if (reply.code === "no_host") return { kind: "nobody", text };
  const next = errorKinds[reply.code]?.next;
  if (next === "refused" || next === "invalid") return { kind: "settled", text: `refused, ${text}` };
  return failed(text, reply.code === "poison");
}
