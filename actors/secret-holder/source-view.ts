import type { View } from "../../runtime/board.ts";
import type { AlertSourceShown } from "../../schema/alert.ts";
import type { KnownSource } from "./source.ts";

export const sourceView: View = {
  present(id, state, version): AlertSourceShown {
    const { agencyId, fields, createdAt, updatedAt } = state as KnownSource;
    return {
      id,
      agencyId,
      silentAfterSeconds: null,
      ...fields,
      path: `/api/v1/webhooks/${id}`,
      version,
      createdAt,
      updatedAt,
    };
  },
  matches: (state, { agencyId }) => agencyId === undefined || agencyId === (state as KnownSource).agencyId,
};
