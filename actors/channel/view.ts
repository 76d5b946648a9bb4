import type { View } from "../../runtime/board.ts";
import type { Channel, ChannelFilters } from "../../schema/channel.ts";
import { audiences } from "./membership.ts";
import type { Known } from "./state.ts";

/** As somebody sees it who has read nothing of it: what is unread is for whoever asks. */
export const channelView: View = {
  present(id, state, version): Channel {
    const it = state as Known;
    const {
      phase: _phase,
      followed: _followed,
      recent: _recent,
      pages: _pages,
      sharedWith: _shared,
      archivedAt: _archivedAt,
      hasLeft: _hasLeft,
      urgent,
      ...rest
    } = it;
    return {
      id,
      ...rest,
      members: [...it.members],
      units: [...it.units],
      receipts: [...it.receipts],
      unread: it.messageCount,
      unacknowledged: urgent.map(({ id: messageId }) => messageId),
      version,
    };
  },
  seenBy: (subject, state, shown) => asSeenBy(subject, state as Known, shown as Channel),
  indexed: { audience: (state) => audiences(state as Known) },

  matches(state, filters) {
    const it = state as Known;
    const { audience, kind, incidentId, open, agencyId } = filters as Partial<ChannelFilters> & {
      readonly audience?: readonly string[];
    };
    return (
      (audience === undefined || audiences(it).some((name) => audience.includes(name))) &&
      (kind === undefined || kind === it.kind) &&
      (incidentId === undefined || incidentId === it.incidentId) &&
      (open === undefined || (open === "true") === (it.closedAt === null)) &&
      (agencyId === undefined || agencyId === it.agencyId)
    );
  },
};

/** What it is to one of its readers. */
function asSeenBy(subject: string, { receipts, urgent, messageCount }: Known, shown: Channel): Channel {
  const read = receipts.find((receipt) => receipt.subject === subject)?.read ?? 0;
  const waiting = urgent.filter((one) => one.author !== subject && !one.acknowledgedBy.includes(subject));
  return { ...shown, unread: messageCount - read, unacknowledged: waiting.map(({ id }) => id) };
}
