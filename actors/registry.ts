import { type Reaction, registryOf } from "../runtime/actor.ts";
import type { Views } from "../runtime/board.ts";
import type { AnyProjection, Projections } from "../runtime/projection.ts";
import { agency } from "./agency/definition.ts";
import { agencyView } from "./agency/view.ts";
import { alert } from "./alert/definition.ts";
import { alertProjection } from "./alert/projection.ts";
import { alertView } from "./alert/view.ts";
import { alertkey } from "./alertkey/definition.ts";
import { channel } from "./channel/definition.ts";
import { channelProjection } from "./channel/projection.ts";
import { incidentChannel } from "./channel/reactions.ts";
import { channelView } from "./channel/view.ts";
import { classification, classificationView } from "./classification/definition.ts";
import { delivery, deliveryView } from "./delivery/definition.ts";
import { devices } from "./devices/definition.ts";
import { devicesView } from "./devices/view.ts";
import { heartbeat, heartbeatView } from "./heartbeat/definition.ts";
import { incident } from "./incident/definition.ts";
import { incidentProjection } from "./incident/projection.ts";
import { incidentView } from "./incident/view.ts";
import { page } from "./page/definition.ts";
import { pageProjection } from "./page/projection.ts";
import { pageView } from "./page/view.ts";
import { resource } from "./resource/definition.ts";
import { resourceProjection } from "./resource/projection.ts";
import { resourceView } from "./resource/view.ts";
import { routing, routingView } from "./routing/definition.ts";
import { alertGroup } from "./routing/group/definition.ts";
import { alertGroupView } from "./routing/group/view.ts";
import { silences, silencesView } from "./routing/silences.ts";
import { hook } from "./secret-holder/hook.ts";
import { hookView } from "./secret-holder/hook-view.ts";
import { source } from "./secret-holder/source.ts";
import { sourceView } from "./secret-holder/source-view.ts";

/** Every kind of actor there is. */
export const registry = registryOf([
  incident,
  resource,
  agency,
  channel,
  routing,
  silences,
  alertGroup,
  alertkey,
  alert,
  classification,
  source,
  hook,
  delivery,
  heartbeat,
  devices,
  page,
]);

/** How each kind is shown and searched. */
export const views: Views = new Map([
  [incident.kind, incidentView],
  [resource.kind, resourceView],
  [agency.kind, agencyView],
  [channel.kind, channelView],
  [routing.kind, routingView],
  [silences.kind, silencesView],
  [alertGroup.kind, alertGroupView],
  [alert.kind, alertView],
  [classification.kind, classificationView],
  [source.kind, sourceView],
  [hook.kind, hookView],
  [delivery.kind, deliveryView],
  [heartbeat.kind, heartbeatView],
  [devices.kind, devicesView],
  [page.kind, pageView],
]);

/** What of each kind is kept as tables. */
export const projections: Projections = new Map<string, AnyProjection>([
  [incident.kind, incidentProjection],
  [channel.kind, channelProjection],
  [resource.kind, resourceProjection],
  [alert.kind, alertProjection],
  [page.kind, pageProjection],
]);

/** What happens to one actor because of another. */
export const reactions: readonly Reaction[] = [incidentChannel];
