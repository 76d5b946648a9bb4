import { registryOf } from "../runtime/actor.ts";
import type { Views } from "../runtime/board.ts";
import { incident } from "./incident/definition.ts";
import { incidentView } from "./incident/view.ts";
import { resource } from "./resource/definition.ts";
import { resourceView } from "./resource/view.ts";

/** Every kind of actor there is. */
export const registry = registryOf([incident, resource]);

/** How each kind is shown and searched. */
export const views: Views = new Map([
  [incident.kind, incidentView],
  [resource.kind, resourceView],
]);
