import type { Example } from "../../actors/classification/training.ts";
import { slug } from "../replay/layouts/text.ts";
import { CALL_KINDS } from "../simulate/call-kinds.ts";
import { seededRandom } from "../simulate/random.ts";

/**
 * What people say who call about the kinds of incidents that `npm run simulate` makes up. All of it is invented here: no
 * word is anybody's. It is enough for a first model, which is to be replaced by one made of an agency's own calls.
 */

interface Spoken {
  readonly category: string;
  readonly priority: number;
  readonly what: readonly string[];
  readonly more: readonly string[];
}

const SPOKEN: Readonly<Record<string, Spoken>> = {
  "Medical Incident": {
    category: "medical",
    priority: 2,
    what: [
      ...["he has chest pain", "she cannot breathe", "my husband is not waking up", "an old man fell down the stairs"],
      ...[
        "she is having a seizure",
        "he is bleeding from the head",
        "I think it is a stroke",
        "she is pregnant and in pain",
      ],
      ...["he took too many pills", "a man is unconscious on the pavement", "my father has trouble breathing"],
      ...["a child swallowed something", "she feels dizzy and sick", "he cut his hand badly", "a person collapsed"],
      ...[
        "allergic reaction, her face is swelling",
        "diabetic, not responding",
        "he broke his leg",
        "severe back pain",
      ],
    ],
    more: [
      "he is eighty years old",
      "she takes heart medicine",
      "please send an ambulance",
      "he is still breathing",
      "there is blood",
    ],
  },
  Alarms: {
    category: "fire",
    priority: 3,
    what: [
      ...["the fire alarm is ringing", "an alarm has gone off in the building", "smoke detector beeping, no smoke"],
      ...["automatic alarm from the panel", "sprinkler alarm sounding", "pull station activated on the second floor"],
      ...[
        "the alarm keeps ringing, we see no fire",
        "carbon monoxide alarm sounding",
        "alarm company reports an activation",
      ],
    ],
    more: [
      "we do not see anything",
      "people are leaving the building",
      "it may be the cooking",
      "it was reset and rang again",
    ],
  },
  "Structure Fire": {
    category: "fire",
    priority: 1,
    what: [
      ...["the house is on fire", "flames from the roof", "fire in the kitchen", "smoke coming out of a window"],
      ...[
        "the apartment below is burning",
        "fire on the third floor",
        "the warehouse is in flames",
        "a basement is burning",
      ],
      ...[
        "there is fire in the building",
        "the garage is on fire and it spreads to the house",
        "heavy smoke from the attic",
      ],
    ],
    more: [
      "somebody may be inside",
      "the flames are getting higher",
      "we are all out",
      "there is thick black smoke",
      "children inside",
    ],
  },
  "Traffic Collision": {
    category: "traffic",
    priority: 2,
    what: [
      ...["two cars crashed", "a car hit a cyclist", "accident with a motorcycle", "a bus and a truck collided"],
      ...[
        "a pedestrian was hit by a car",
        "a car has turned over",
        "crash on the motorway",
        "someone is trapped in the car",
      ],
      ...["a driver hit a pole", "three vehicles in an accident", "hit and run, a person is lying on the road"],
    ],
    more: [
      "the airbags went off",
      "the road is blocked",
      "the driver is hurt",
      "there is fuel on the road",
      "nobody seems hurt",
    ],
  },
  "Outside Fire": {
    category: "fire",
    priority: 3,
    what: [
      ...[
        "a rubbish bin is burning",
        "grass fire near the road",
        "brush is on fire on the hill",
        "a bonfire out of control",
      ],
      ...["trash on fire in the alley", "a tree is burning", "a tent is on fire in the park", "a fence is burning"],
    ],
    more: ["it is close to houses", "the wind is strong", "somebody lit it", "it is getting bigger"],
  },
  "Vehicle Fire": {
    category: "fire",
    priority: 2,
    what: [
      ...["a car is on fire", "smoke and flames from the engine of a car", "a truck is burning on the motorway"],
      ...["a bus is on fire", "a parked car burns", "my engine is burning", "a motorcycle is in flames"],
    ],
    more: [
      "everybody is out of the car",
      "it is under a bridge",
      "the tyres are exploding",
      "it is next to a building",
    ],
  },
  "Citizen Assist / Service Call": {
    category: "service",
    priority: 4,
    what: [
      ...[
        "water is coming through the ceiling",
        "I am locked out and the stove is on",
        "a pipe has burst in the cellar",
      ],
      ...[
        "my mother fell and cannot get up, she is not hurt",
        "a cat is stuck on the roof",
        "help lifting a person into bed",
      ],
      ...["a child is locked in the bathroom", "a lift chair is stuck", "flooded basement"],
    ],
    more: ["it is not urgent", "nobody is hurt", "we need help", "there is nobody else here"],
  },
  "Gas Leak (Natural and LP Gases)": {
    category: "hazmat",
    priority: 2,
    what: [
      ...[
        "I smell gas",
        "strong smell of gas in the hallway",
        "a gas pipe was hit by a digger",
        "the gas stove is leaking",
      ],
      ...["hissing from the gas meter", "propane bottle is leaking", "odour of gas in the street"],
    ],
    more: [
      "we opened the windows",
      "several people feel sick",
      "the smell is getting stronger",
      "workers were digging",
    ],
  },
  "Elevator / Escalator Rescue": {
    category: "rescue",
    priority: 3,
    what: [
      ...["we are stuck in the elevator", "the lift stopped between floors", "people trapped in an elevator"],
      ...["a hand is caught in the escalator", "the elevator does not open", "stuck in the lift for half an hour"],
    ],
    more: ["there are four of us", "the emergency button does not work", "somebody is panicking", "it is hot in here"],
  },
  "Electrical Hazard": {
    category: "hazmat",
    priority: 3,
    what: [
      ...[
        "a power line is down",
        "sparks from a wire",
        "the transformer is humming and sparking",
        "wires hanging over the road",
      ],
      ...["an outlet is sparking and smells burnt", "a tree fell on the power line", "the electric box is buzzing"],
    ],
    more: ["the power is out", "cars are driving over it", "it is raining", "it touches a fence"],
  },
  "Smoke Investigation (Outside)": {
    category: "fire",
    priority: 3,
    what: [
      ...[
        "there is smell of smoke in the street",
        "I see smoke far away",
        "smoke over the hill",
        "it smells of burning outside",
      ],
      ...["haze and smell of smoke in the whole neighbourhood", "a column of smoke behind the houses"],
    ],
    more: [
      "I do not see flames",
      "I cannot tell where it comes from",
      "it has been an hour",
      "the wind is from the west",
    ],
  },
};

const OPENINGS = [
  "",
  "",
  "hello,",
  "please help,",
  "quick,",
  "yes hello,",
  "I need help,",
  "hi, I want to report,",
  "um,",
];
const PLACES = [
  ...["", "", "at the corner of Main and Third", "in front of the school", "on Park Street", "at the station"],
  ...[
    "in our building",
    "next to the bridge",
    "at number 40",
    "in the shopping centre",
    "behind the church",
    "at work",
  ],
];
const TYPING_SLIPS = 0.15;

/** @returns the same texts for the same seed */
export function spokenCalls(count: number, seed: number): readonly Example[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const { type } = random.weighted(CALL_KINDS);
    const { category, priority, what, more } = SPOKEN[type]!;
    const parts = [random.pick(OPENINGS), random.pick(what), random.pick(PLACES)];
    if (random.next() < 0.6) parts.push(random.pick(more));
    // What people add is often of another matter.
    if (random.next() < 0.1) parts.push(random.pick(SPOKEN[random.pick(CALL_KINDS).type]!.more));
    const text = parts.filter((part) => part !== "").join(" ");
    return { text: slipped(text, random), label: slug(type), category, priority };
  });
}

/** Letters left out and swapped, as when somebody types what he hears. */
function slipped(text: string, random: ReturnType<typeof seededRandom>): string {
  const slip = (word: string) => {
    if (word.length < 5 || random.next() >= TYPING_SLIPS) return word;
    const at = 1 + random.below(word.length - 2);
    const swapped = word[at + 1]! + word[at]!;
    return word.slice(0, at) + (random.next() < 0.5 ? "" : swapped) + word.slice(at + (random.next() < 0.5 ? 1 : 2));
  };
  return text.split(" ").map(slip).join(" ");
}
