import type { View } from "../../../runtime/board.ts";
import type { GroupState } from "./state.ts";

export const alertGroupView: View = {
  present(id, state, version) {
    const group = state as GroupState;
    if (group.phase === "unknown") return { id, version };
    const { agencyId, route, alerts, flushAt, log, chains } = group;
    return { id, version, agencyId, route, alerts: Object.values(alerts), nextAt: flushAt, notified: log, chains };
  },
  matches: () => true,
};
