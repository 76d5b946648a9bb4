import type { View } from "../../runtime/board.ts";
import { type Configuration, emptySections } from "../../schema/configuration.ts";
import type { AgencyState } from "./state.ts";

export const agencyView: View = {
  present(agencyId, state, version): Configuration {
    const { sections, updatedAt } = state as AgencyState;
    // Kept before a section came, a state says nothing of it.
    return { agencyId, version, updatedAt, ...emptySections, ...sections };
  },
  matches: () => true,
};
