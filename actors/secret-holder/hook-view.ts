import type { View } from "../../runtime/board.ts";
import type { HookShown } from "../../schema/notification.ts";
import type { KnownHook } from "./hook.ts";

export const hookView: View = {
  present(id, state, version): HookShown {
    const { agencyId, fields, createdAt, updatedAt } = state as KnownHook;
    return { id, agencyId, ...fields, version, createdAt, updatedAt };
  },
  matches: (state, { agencyId }) => agencyId === undefined || agencyId === (state as KnownHook).agencyId,
};
