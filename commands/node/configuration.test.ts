import { describe, expect, it } from "vitest";
import { describeConfiguration, readConfiguration } from "./configuration.ts";

it("every setting is described by its help", () => {
  for (const line of describeConfiguration().split("\n")) {
    expect(line).toMatch(/^ {2}[A-Z_]+ +[A-Za-z0-9].{4,}$/);
    expect(line).not.toMatch(/undefined|default \)/);
  }
});

describe("a variable that does not fit is refused by its name, with what would fit", () => {
  it.each([
    ["PORT", "abc", "a whole number from 0 to 65535"],
    ["PORT", "99999", "a whole number from 0 to 65535"],
    ["MQTT_PORT", "-1", "a whole number from 0 to 65535"],
    ["JWT_SECRET_FILE", "/nowhere/secret", "there is no file /nowhere/secret"],
    ["JWT_SECRET_FILE", "/", "there is no file /"],
    ["CLASSIFIER_MODEL", "/nowhere/model.json", "there is no file /nowhere/model.json"],
    ["WEBHOOK_NETWORKS", "10.0.0.0/33", "addresses and networks, as 127.0.0.1,10.1.2.0/24"],
    ["WEBHOOK_NETWORKS", "10.0.0", "addresses and networks, as 127.0.0.1,10.1.2.0/24"],
  ])("%s=%s", (name, value, message) => {
    expect(() => readConfiguration({ [name]: value })).toThrow(
      `these environment variables do not fit:\n  ${name}: ${message}`,
    );
  });

  it("and what fits is taken as it is", () => {
    const environment = {
      PORT: "0",
      JWT_SECRET_FILE: "package.json",
      CLASSIFIER_MODEL: "off",
      WEBHOOK_NETWORKS: "127.0.0.1, 10.1.2.0/24, fd00::/8",
    };
    expect(readConfiguration(environment)).toMatchObject({
      ...environment,
      PORT: 0,
      WEBHOOK_NETWORKS: ["127.0.0.1", "10.1.2.0/24", "fd00::/8"],
    });
  });
});
