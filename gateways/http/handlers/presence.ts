import { presentOf } from "../../../runtime/presence/view.ts";
import type { presenceRoutes } from "../../../schema/routes/presence.ts";
import type { Handler } from "./call.ts";

export const presenceHandlers: Readonly<Record<keyof typeof presenceRoutes, Handler>> = {
  async listPresence({ presence }, call) {
    const { agencyId, subject: wanted, cursor, limit } = call.query;
    const agencies = call.principal.agencies.filter((agency) => agencyId === undefined || agency === agencyId);
    const found = presence.view
      .all(agencies)
      .filter(({ principal: { subject } }) => wanted === undefined || subject === wanted)
      .filter(({ principal: { subject } }) => cursor === undefined || subject > fromCursor(cursor));
    const items = found.slice(0, limit).map(presentOf);
    const next = found.length > limit ? Buffer.from(items.at(-1)!.subject).toString("base64url") : null;
    return { status: 200, body: JSON.stringify({ items, next, complete: true }) };
  },
};

const fromCursor = (cursor: string) => Buffer.from(cursor, "base64url").toString();
