import { describe, expect, it } from "vitest";
import { SimProcess } from "../../runtime/sim/process.ts";
import { SimServer } from "../../runtime/sim/server.ts";
import { World } from "../../runtime/sim/world.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import { type Typed, Typing } from "./typing.ts";

const [team, other] = ["0199c7a2-0000-7000-8000-000000000001", "0199c7a2-0000-7000-8000-000000000002"];
const state = { members: [{ subject: "bo" }], units: [{ unitId: "e1" }], kind: "team" };
const board = {
  get: ({ id }: { readonly id: string }) =>
    id === team || id === other ? { id, agency: "a", state, version: 1, sequence: 1 } : undefined,
};

/** Two gateways, and what one that follows by these keys hears at the second. */
function twoGateways(keys: readonly string[]) {
  const world = new World(1);
  const server = new SimServer(world);
  const [here, there] = ["a", "b"].map((name) => new SimProcess(server, name).ports) as [
    SimProcess["ports"],
    SimProcess["ports"],
  ];
  const heard: Typed[] = [];
  const typing = new Typing(here, board);
  const stop = new Typing(there, board).listen(keys, (typed) => heard.push(typed));
  const pass = (ms: number) => {
    let over = false;
    world.at(ms, () => {
      over = true;
    });
    return world.run(() => over, world.nowMs + ms + 1);
  };
  return { typing, transport: here.transport, heard, pass, stop };
}

describe("who types", () => {
  it("is heard once of several keys that concern one, by other gateways", async () => {
    const { typing, heard, pass } = twoGateways([`channel/${team}`, "channels of subject bo", "channels of unit e1"]);
    typing.tell({ channelId: team, subject: "anna" });
    await pass(100);
    expect(heard).toEqual([{ v: 1, channelId: team, subject: "anna" }]);
  });

  it("is told again only after some seconds; others, and other channels, do not wait for that", async () => {
    const { typing, heard, pass } = twoGateways(["channels of subject bo"]);
    const namesAfter = async (ms: number) => {
      await pass(ms);
      return heard.splice(0).map(({ subject, channelId }) => `${subject} ${channelId === team ? "team" : "other"}`);
    };
    for (let press = 0; press < 10; press++) typing.tell({ channelId: team, subject: "anna" });
    typing.tell({ channelId: other, subject: "anna" });
    typing.tell({ channelId: team, subject: "cy" });
    expect((await namesAfter(1_000)).sort()).toEqual(["anna other", "anna team", "cy team"]);
    typing.tell({ channelId: team, subject: "anna" });
    expect(await namesAfter(liveLimits.typingEveryMs)).toEqual([]);
    typing.tell({ channelId: team, subject: "anna" });
    expect(await namesAfter(100)).toEqual(["anna team"]);
  });

  it("is not heard by whom it does not concern, nor any more by who has left; what is no such thing is passed over", async () => {
    const strangers = twoGateways([`channel/${other}`, "channels of subject eve"]);
    strangers.typing.tell({ channelId: team, subject: "anna" });
    await strangers.pass(100);
    expect(strangers.heard).toEqual([]);
    const { typing, transport, heard, pass, stop } = twoGateways([`channel/${team}`]);
    for (const none of ["", "[", "{}", JSON.stringify({ v: 2, channelId: team, subject: "anna" })]) {
      transport.tell(`live.typing.${team}`, none);
    }
    await pass(100);
    expect(heard).toEqual([]);
    stop();
    typing.tell({ channelId: team, subject: "anna" });
    await pass(100);
    expect(heard).toEqual([]);
  });
});
