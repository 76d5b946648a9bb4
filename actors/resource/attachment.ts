import { type Address, type Decision, type Participation, type Refusal, refuse } from "../../runtime/actor.ts";
import { carries, type ResourceCommand, type ResourceEvent, type ResourceType } from "../../schema/resource.ts";
import type { Known } from "./state.ts";

/**
 * Crew on a vehicle, equipment on a vehicle or a person. Both sides change in one commit, and each keeps its own half. The
 * one with the lower id leads, whichever was asked: incidents take their units in the same order, so that nobody waits
 * for somebody who waits for him.
 */

type Result = Decision<ResourceEvent>;
type Asked<T extends ResourceCommand["type"]> = Extract<ResourceCommand, { type: T }>;

const ABOARD_MAX = 50;

/** The member is asked. */
export function attach(member: Known, memberId: string, { carrierId, carrierType }: Asked<"attach">): Result {
  const refused = joinable(member, memberId, carrierId);
  if (refused !== undefined) return refused;
  const { resourceType: memberType } = member;
  if (memberId > carrierId) return forward(carrierId, { type: "takeAboard", memberId, memberType, carrierType });
  const joins = [tell(carrierId, { type: "receiveMember", memberId, memberType, carrierType })];
  return { events: [{ type: "resource.attached", carrierId, carrierType }], with: joins };
}

/** The carrier leads, because its id is the lower one. */
export function takeAboard(carrier: Known, carrierId: string, c: Asked<"takeAboard">): Result {
  const events = receiveMember(carrier, { ...c, type: "receiveMember" });
  if (!Array.isArray(events)) return events;
  const { memberId, carrierType } = c;
  return { events, with: [tell(memberId, { type: "joinCarrier", carrierId, carrierType })] };
}

export function joinCarrier(member: Known, memberId: string, { carrierId, carrierType }: Asked<"joinCarrier">): Result {
  return joinable(member, memberId, carrierId) ?? [{ type: "resource.attached", carrierId, carrierType }];
}

export function receiveMember(carrier: Known, { memberId, memberType, carrierType }: Asked<"receiveMember">): Result {
  if (carrier.resourceType !== carrierType) return refuse("not_found", `no such carrier among ${carrierType}`);
  if (carrier.retiredAt !== null) return refuse("retired", `${carrier.callSign} is retired`);
  const carriable: readonly ResourceType[] = carries[carrier.resourceType];
  if (!carriable.includes(memberType)) {
    const allowed = Object.keys(carries).filter((type) => carries[type as ResourceType].includes(memberType));
    return refuse("not_carriable", `${carrier.resourceType} do not carry ${memberType}`, { allowed });
  }
  if (carrier.aboard.some(({ id }) => id === memberId)) {
    return refuse("already_attached", `${memberId} is with ${carrier.callSign} already`);
  }
  if (carrier.aboard.length >= ABOARD_MAX) return refuse("limit_reached", `at most ${ABOARD_MAX} are with one carrier`);
  return [{ type: "resource.member_attached", memberId, memberType }];
}

/** The member is asked. */
export function detach(member: Known, memberId: string): Result {
  if (member.carrier === null) return refuse("not_attached", `${member.callSign} is with nobody`);
  const { id: carrierId } = member.carrier;
  if (memberId > carrierId) return forward(carrierId, { type: "letGo", memberId });
  return {
    events: [{ type: "resource.detached", carrierId }],
    with: [tell(carrierId, { type: "loseMember", memberId })],
  };
}

/** The carrier leads, because its id is the lower one. */
export function letGo(carrier: Known, carrierId: string, { memberId }: Asked<"letGo">): Result {
  const events = loseMember(carrier, { type: "loseMember", memberId });
  if (!Array.isArray(events)) return events;
  return { events, with: [tell(memberId, { type: "leaveCarrier", carrierId })] };
}

export function leaveCarrier(member: Known, { carrierId }: Asked<"leaveCarrier">): Result {
  if (member.carrier?.id !== carrierId) return refuse("not_attached", `${member.callSign} is not with ${carrierId}`);
  return [{ type: "resource.detached", carrierId }];
}

export function loseMember(carrier: Known, { memberId }: Asked<"loseMember">): Result {
  if (!carrier.aboard.some(({ id }) => id === memberId)) {
    return refuse("not_attached", `${memberId} is not with ${carrier.callSign}`);
  }
  return [{ type: "resource.member_detached", memberId }];
}

function joinable(member: Known, memberId: string, carrierId: string): Refusal | undefined {
  if (member.retiredAt !== null) return refuse("retired", `${member.callSign} is retired`);
  if (memberId === carrierId) return refuse("not_carriable", "nothing carries itself");
  if (member.carrier !== null) {
    return refuse("already_attached", `${member.callSign} is with ${member.carrier.id}: detach it first`, {
      carrierId: member.carrier.id,
    });
  }
  if (member.incidentId === null) return;
  return refuse("unit_held", `${member.callSign} is held by incident ${member.incidentId} by itself`, {
    holder: member.incidentId,
  });
}

const resource = (id: string): Address => ({ kind: "resource", id });

function tell(to: string, command: ResourceCommand): Participation {
  return { to: resource(to), command: { ...command } };
}

function forward(to: string, command: ResourceCommand): Result {
  return { forwardTo: resource(to), command: { ...command } };
}
