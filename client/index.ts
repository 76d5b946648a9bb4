/** The live client: one ES module for browsers and Node, without a dependency. */
export { LiveClient, type LiveClientOptions, type LiveState } from "./live.ts";
export { LiveProblem } from "./problem.ts";
export { LiveSubscription, type SubscribeOptions } from "./subscription.ts";
export type * from "./types.ts";
