import type { Address } from "../../../schema/subjects.ts";
import type { Answer } from "../exchange.ts";
import { type Call, headersOf, orThrow, type Services, send } from "./call.ts";

/** What a secret is derived for: it is a part of what it is derived from. */
type Holder = "source" | "hook";

/** The answer with the secret of that generation, which is told here alone. */
export function withSecret({ secrets }: Services, answer: Answer, generation: number, of: Holder): Answer {
  const shown = JSON.parse(answer.body as string) as { readonly id: string };
  return { ...answer, body: JSON.stringify({ ...shown, secret: secrets.secretOf(shown.id, generation, of) }) };
}

/** Another secret from now on. */
export async function rotated(services: Services, call: Call, of: Holder, id: string): Promise<Answer> {
  const to: Address = { kind: of, id };
  const reply = orThrow(await send(services, call, to, { type: "rotate" }));
  const shown = services.views.get(of)!.present(id, reply.state, reply.version);
  const answer = { status: 200, headers: headersOf(reply), body: JSON.stringify(shown) };
  return withSecret(services, answer, (reply.state as { readonly generation: number }).generation, of);
}
