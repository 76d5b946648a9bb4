import type { View } from "../../../runtime/board.ts";
import type { AlertGroup, AlertGroupFilters } from "../../../schema/routes/routing.ts";
import type { Group } from "./state.ts";

export const alertGroupView: View = {
  present(id, state, version): AlertGroup {
    const { agencyId, route, alerts, flushAt, log, chains } = state as Group;
    const { key, name, revision, labels, receivers } = route;
    return {
      id,
      version,
      agencyId,
      route: { key, name, revision },
      labels,
      receivers: receivers.map((receiver) => receiver.name),
      alerts: Object.values(alerts).map(({ labels: _labels, ...alert }) => alert),
      nextAt: flushAt,
      notified: Object.fromEntries(
        Object.entries(log).map(([name, entry]) => [
          name,
          { at: entry.at, firing: [...entry.firing], resolved: [...entry.resolved] },
        ]),
      ),
      escalating: Object.keys(chains),
    };
  },

  matches(state, filters) {
    const { agencyId, alerts } = state as Group;
    const wanted = filters as Partial<AlertGroupFilters>;
    const isActive = String(Object.keys(alerts).length > 0);
    return (
      (wanted.agencyId === undefined || wanted.agencyId === agencyId) &&
      (wanted.active === undefined || wanted.active === isActive)
    );
  },
};
