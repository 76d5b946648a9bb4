import { BlockList, isIP } from "node:net";

const V4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
];
const V6 = [
  "::/128",
  "::1/128",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(prefix ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return list;
}

const inner = listOf([...V4, ...V6]);

/**
 * Whether a webhook may be posted there: not to this machine or its own network, where nobody but the operator should reach,
 * unless the operator lists it.
 */
export class Reachable {
  readonly #listed: BlockList;

  /** @param listed addresses and networks, as 10.1.2.0/24 */
  constructor(listed: readonly string[]) {
    this.#listed = listOf(listed);
  }

  allows(address: string): boolean {
    // An IPv4 address may come in the clothes of an IPv6 one.
    const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
    const version = isIP(plain);
    if (version === 0 || /^::ffff:/i.test(plain)) return false;
    const family = version === 6 ? "ipv6" : "ipv4";
    return this.#listed.check(plain, family) || !inner.check(plain, family);
  }
}
