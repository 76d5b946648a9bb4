import { emptySections, type Sections } from "../../schema/configuration.ts";

export interface AgencyState {
  /** null until it is configured for the first time. */
  readonly agencyId: string | null;
  readonly sections: Sections;
  readonly updatedAt: string | null;
}

export const unconfigured: AgencyState = { agencyId: null, sections: emptySections, updatedAt: null };
