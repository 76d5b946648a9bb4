import type { HookFields } from "../../schema/notification.ts";
import {
  type KnownSecretHolder,
  type SecretHolder,
  type SecretHolderState,
  secretHolder,
  secretHolderEvents,
} from "./definition.ts";

export type HookState = SecretHolderState<HookFields>;
export type KnownHook = KnownSecretHolder<HookFields>;

const { created, updated, rotated } = secretHolderEvents<HookFields>("webhook");

/** Another system that is told of alerts by webhook. */
export const hook: SecretHolder<"hook", HookFields> = {
  ...secretHolder<"hook", HookFields>("hook", "webhook"),
  evolve: { "hook.created": created, "hook.updated": updated, "hook.rotated": rotated },
};
