import { type ActorDefinition, assert, refuse } from "../../runtime/actor.ts";
import { isSystem } from "../../schema/principal.ts";
import {
  type DevicesCommand,
  type DevicesEvent,
  defaultPreferences,
  type KeptDevice,
  type Owner,
  type Preferences,
  pushLimits,
} from "../../schema/push.ts";

export type DevicesState = { readonly phase: "unknown" } | KnownDevices;

export interface KnownDevices {
  readonly phase: "known";
  readonly owner: Owner;
  readonly devices: readonly (KeptDevice & { readonly since: string })[];
  readonly preferences: Preferences;
}

/** Somebody's devices, and how it wants to be told. Addresses come sealed. */
export const devices: ActorDefinition<DevicesState, DevicesCommand, DevicesEvent> = {
  kind: "devices",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.owner.agencyId),
  // Whoever acts for several agencies is called by each of them.
  sharedWith: (s) => (s.phase === "unknown" ? NOBODY : s.owner.agencies.filter((id) => id !== s.owner.agencyId)),
  repeats: "as_it_is",

  decide: {
    register: (s, { owner, device }) => {
      const known = s.phase === "known" ? s.devices : [];
      const before = known.find(({ id }) => id === device.id);
      if (before === undefined && known.length >= pushLimits.devices) {
        return refuse("limit_reached", `at most ${pushLimits.devices} devices: remove one first`);
      }
      return [...ownedBy(s, owner), { type: "devices.registered", device }];
    },
    remove: (s, { deviceId }) =>
      find(s, deviceId) === undefined
        ? refuse("not_found", "no such device")
        : [{ type: "devices.removed", deviceId, because: "asked" }],
    gone: (s, { deviceId, sealed }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "this is told by push services");
      return find(s, deviceId)?.sealed === sealed ? [{ type: "devices.removed", deviceId, because: "gone" }] : [];
    },
    prefer: (s, { owner, preferences }) => [...ownedBy(s, owner), { type: "devices.preferred", preferences }],
  },

  evolve: {
    "devices.owner": (s, { owner }) =>
      s.phase === "known" ? { ...s, owner } : { phase: "known", owner, devices: [], preferences: defaultPreferences },
    "devices.registered": (s, { device }, { at }) => {
      const it = existing(s);
      const others = it.devices.filter(({ id }) => id !== device.id);
      const since = it.devices.find(({ id }) => id === device.id)?.since ?? at;
      return { ...it, devices: [...others, { ...device, since }] };
    },
    "devices.removed": (s, { deviceId }) => {
      const it = existing(s);
      return { ...it, devices: it.devices.filter(({ id }) => id !== deviceId) };
    },
    "devices.preferred": (s, { preferences }) => ({ ...existing(s), preferences }),
  },

  deadlines: () => [],
};

const NOBODY: readonly string[] = [];

/** What its token says of somebody may have changed since. */
function ownedBy(s: DevicesState, owner: Owner): readonly DevicesEvent[] {
  const same = s.phase === "known" && JSON.stringify(s.owner) === JSON.stringify(owner);
  return same ? [] : [{ type: "devices.owner", owner }];
}

function find(s: DevicesState, deviceId: string) {
  return s.phase === "known" ? s.devices.find(({ id }) => id === deviceId) : undefined;
}

function existing(s: DevicesState): KnownDevices {
  assert(s.phase === "known", "something happened to devices that nobody owns");
  return s;
}
