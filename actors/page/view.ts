import type { View } from "../../runtime/board.ts";
import type { PageFilters, PageShown } from "../../schema/push.ts";
import type { KnownPage } from "./state.ts";

export const pageView: View = {
  present(id, state, version): PageShown {
    const { agencyId, urgency, about, recipients, openedAt, expiresAt, closedAt, end, acknowledgedBy } =
      state as KnownPage;
    return {
      id,
      agencyId,
      urgency,
      about: about.kind === "alerts" ? { ...about, alertIds: [...about.alertIds] } : about,
      recipients: recipients.map(({ devices, ...one }) => ({
        ...one,
        devices: devices.map(({ task: _task, ...shown }) => shown),
      })),
      ...{ openedAt, expiresAt, closedAt, end, acknowledgedBy, version },
    };
  },
  indexed: {
    incidentId: (state) => aboutOf(state as KnownPage).incidentId ?? [],
  },

  matches(state, filters) {
    const it = state as KnownPage;
    const { incidentId, unitId, open, agencyId } = filters as Partial<PageFilters>;
    const about = aboutOf(it);
    return (
      (incidentId === undefined || incidentId === about.incidentId) &&
      (unitId === undefined || unitId === about.unitId) &&
      (open === undefined || (open === "true") === (it.closedAt === null)) &&
      (agencyId === undefined || agencyId === it.agencyId)
    );
  },
};

function aboutOf({ about }: KnownPage): { readonly incidentId?: string; readonly unitId?: string } {
  return about.kind === "assignment" || about.kind === "concern" ? about : {};
}
