import { type Decision, refuse } from "../../runtime/actor.ts";
import { type ChannelCommand, type ChannelEvent, channelLimits } from "../../schema/channel.ts";
import type { Principal } from "../../schema/principal.ts";
import { isMember, mayJoin, supervises } from "./membership.ts";
import type { Known } from "./state.ts";

/** Members add others and go by themselves; owners and supervisors send others away. Dispatchers join incidents' channels. */
export function changeMembers(
  it: Known,
  { add, remove, units = [] }: Extract<ChannelCommand, { type: "changeMembers" }>,
  by: Principal,
): Decision<ChannelEvent> {
  const isIn = isMember(it, { principal: by, units });
  const joinsItself = mayJoin(it, by) && remove.length === 0 && add.every((subject) => subject === by.subject);
  if (!isIn && !joinsItself) {
    return mayJoin(it, by)
      ? refuse("forbidden", "join this incident's channel first")
      : refuse("not_found", "no such channel");
  }
  if (it.kind === "agency" || it.kind === "direct") {
    return refuse(
      "membership_fixed",
      `the members of ${it.kind === "agency" ? "an agency" : "a direct"} channel are fixed`,
    );
  }
  const owns = it.members.some(({ subject, role }) => subject === by.subject && role === "owner");
  if (!owns && !supervises(it, by) && remove.some((subject) => subject !== by.subject)) {
    return refuse("forbidden", "others are removed by the owner of a channel, or by a supervisor");
  }
  const present = new Set(it.members.map(({ subject }) => subject));
  const gone = [...new Set(remove)].filter((subject) => present.has(subject));
  const come = [...new Set(add)].filter((subject) => !present.has(subject) && !remove.includes(subject));
  if (present.size - gone.length + come.length > channelLimits.members) {
    return refuse("limit_reached", `a channel has at most ${channelLimits.members} members`);
  }
  return [
    ...gone.map((subject): ChannelEvent => ({ type: "channel.member_left", subject })),
    ...come.map((subject): ChannelEvent => ({ type: "channel.member_joined", subject })),
  ];
}
