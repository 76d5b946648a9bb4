import { describe, expect, it } from "vitest";
import { Reachable } from "./private-addresses.ts";

describe("a webhook's address", () => {
  it.each([
    ...["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.100.1.1", "224.0.0.1"],
    ...[
      "::1",
      "::",
      "fe80::1",
      "fc00::1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "x",
    ],
  ])("%s is none, unless an operator lists it", (address) => {
    expect(new Reachable([]).allows(address)).toBe(false);
  });

  it.each(["93.184.216.34", "2606:2800:220:1::1", "172.32.0.1"])("%s is one", (address) => {
    expect(new Reachable([]).allows(address)).toBe(true);
  });

  it("that is listed may be reached, and its neighbours may not", () => {
    const reachable = new Reachable(["127.0.0.1", "10.1.0.0/16", "fd00::/8"]);
    expect(["127.0.0.1", "10.1.9.9", "fd00::1", "::ffff:10.1.0.1"].map((one) => reachable.allows(one))).not.toContain(
      false,
    );
    expect(["127.0.0.2", "10.2.0.1", "fc00::1"].map((one) => reachable.allows(one))).not.toContain(true);
  });
});
