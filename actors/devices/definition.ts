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
  readonly devices: readonly Registered[];
  readonly preferences: Preferences;
}

type Registered = KeptDevice & {
  readonly since: string;
  /** When it was registered last; where its address has a mark. */
  readonly registeredAt?: string;
};

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
    passOn: (s, { mark, at }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "this follows from somebody else's registration");
      return registeredBefore(s, mark, at).map(({ id }) => ({
        type: "devices.removed",
        deviceId: id,
        because: "passed_on",
      }));
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
      const registered = device.mark === undefined ? {} : { registeredAt: at };
      return { ...it, devices: [...others, { ...device, since, ...registered }] };
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

/** Its devices of this address, unless they were registered at that time or later. */
export function registeredBefore(s: DevicesState, mark: string, at: string): readonly Registered[] {
  if (s.phase === "unknown") return [];
  return s.devices.filter((one) => one.mark === mark && (one.registeredAt ?? one.since) < at);
}

function existing(s: DevicesState): KnownDevices {
  assert(s.phase === "known", "something happened to devices that nobody owns");
  return s;
}
