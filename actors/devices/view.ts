import type { View } from "../../runtime/board.ts";
import type { KnownDevices } from "./definition.ts";

/** By what those are found who are to be called. */
export const devicesView: View = {
  present(id, state) {
    const { devices } = state as KnownDevices;
    return { id, devices: devices.map(({ sealed: _sealed, mark: _mark, ...shown }) => shown) };
  },
  indexed: { calls: (state) => callNames(state as KnownDevices) },
  matches: (state, { calls }) => calls === undefined || callNames(state as KnownDevices).includes(calls as string),
};

function callNames({ owner: { subject, roles, resourceId }, devices }: KnownDevices): readonly string[] {
  if (devices.length === 0) return [];
  return [
    `subject ${subject}`,
    ...roles.map((role) => `role ${role}`),
    ...(resourceId === null ? [] : [`resource ${resourceId}`]),
  ];
}
