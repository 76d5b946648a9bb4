import type { DeviceKind, RegisterDevice } from "../../schema/push.ts";

/** What gateways need to know of the push bridge. */
export interface PushService {
  readonly vapidPublicKey: string;
  readonly kinds: readonly DeviceKind[];
  /** Why such a device cannot be reached from here; undefined when it can. */
  whyNot(device: RegisterDevice): string | undefined;
  /** Whoever knows an address can call the device: it is kept as only this installation can read it. */
  seal(device: RegisterDevice, deviceId: string): string;
  /** By what the same address is known again, whoever registers it. */
  mark(device: RegisterDevice): string;
}
