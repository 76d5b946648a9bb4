import { expect, it } from "vitest";
import { categoryOf, priorityOf } from "./sf-codes.ts";

it.each([
  [["3", "3", "3"], "potentially_life_threatening", 1],
  [["3", "3", "3"], "alarm", 2],
  [["2", "2", "3"], "potentially_life_threatening", 4],
  [["E", "3", "3"], "", 1],
  [["", "3", "E"], "fire", 2],
  [["", "", "D"], "", 1],
  [["", "", "C"], "", 2],
  [["", "", "b"], "", 3],
  [["", "", "A"], "", 4],
  [["", "", "I"], "", 5],
  [["", "", ""], "", 3],
  [["?", "3", "3"], "", 3],
])("priorities %j of group %s are %i", (priorities, group, expected) => {
  expect(priorityOf(priorities, group)).toBe(expected);
});

it.each([
  ["medical_incident", "", "medical"],
  ["other", "alarm", "fire"],
  ["other", "non_life_threatening", "medical"],
  ["never_heard_of", "", "service"],
  ["traffic_collision", "potentially_life_threatening", "traffic"],
])("type %s of group %s is %s", (type, group, expected) => expect(categoryOf(type, group)).toBe(expected));
