/** All subjects and keys, built and parsed in this one file. */
import type { Lane } from "./alert.ts";

/** An actor's kind and id. */
export interface Address {
  readonly kind: string;
  readonly id: string;
}

const SAFE_TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/** Ids reach a subject only through this: no dots, wildcards, blanks or anything else that changes its meaning. */
export function isSafeToken(token: string): boolean {
  return SAFE_TOKEN.test(token);
}

function safe(token: string): string {
  if (!isSafeToken(token)) throw new RangeError(`not a safe subject token: ${JSON.stringify(token.slice(0, 80))}`);
  return token;
}

export const streams = {
  events: { name: "EVENTS", subjects: ["evt.>"] },
  /** Position fixes: telemetry, not journal. */
  locations: { name: "LOCATIONS", subjects: ["loc.>"] },
  /** What was reported to the alert engine, as it came: acknowledged to its sender once it is here. */
  alerts: { name: "ALERTS", subjects: ["alert.>"] },
  timers: { name: "TIMERS", subjects: ["timer.>"] },
  numbers: { name: "NUMBERS", subjects: ["num.>"] },
  dead: { name: "DEAD", subjects: ["dead.>"] },
} as const;

export const buckets = {
  state: "state",
  readings: "readings",
  leases: "leases",
  config: "config",
  requests: "requests",
  /** Keys of channels, each under the master key: without this bucket no message can be read again. */
  keys: "keys",
  /** Who is there, by which gateway; see runtime/presence/. */
  presence: "presence",
} as const;

const INTAKE: Readonly<Record<Lane, string>> = { urgent: "alert.urgent", normal: "alert.in" };

export const subjects = {
  /** An actor's journal: `evt.<agency>.<kind>.<id>`. */
  events: (agency: string, { kind, id }: Address) => `evt.${safe(agency)}.${safe(kind)}.${safe(id)}`,
  /** An actor's journal whatever the agency, for a reader who does not know it yet. An id has one agency for ever. */
  eventsOf: ({ kind, id }: Address) => `evt.*.${safe(kind)}.${safe(id)}`,
  /** The journals of all actors of a kind that an agency has. */
  eventsOfKind: (agency: string, kind: string) => `evt.${safe(agency)}.${safe(kind)}.*`,
  /** The same of all agencies. */
  eventsOfAll: (kind: string) => `evt.*.${safe(kind)}.*`,
  /** What is measured of an agency's actors; see telemetry.ts. */
  telemetry: (agency: string) => `loc.${safe(agency)}`,
  /** A report to the alert engine, by its lane: `alert.in.<agency>.<source>`, `alert.urgent.<agency>.<source>`. */
  intake: (lane: Lane, agency: string, source: string) => `${INTAKE[lane]}.${safe(agency)}.${safe(source)}`,
  intakeOf: (lane: Lane) => `${INTAKE[lane]}.>`,
  command: (partition: number, { kind, id }: Address) => `cmd.${safe(kind)}.${partition}.${safe(id)}`,
  commandsOf: (partition: number) => `cmd.*.${partition}.*`,
  timerSet: ({ kind, id }: Address, name: string) => `timer.set.${safe(kind)}.${safe(id)}.${safe(name)}`,
  timerDue: (partition: number, { kind, id }: Address) => `timer.due.${partition}.${safe(kind)}.${safe(id)}`,
  timersDue: "timer.due.>",
  number: (agency: string, year: number) => `num.${safe(agency)}.${year}`,
  dead: ({ kind, id }: Address) => `dead.${safe(kind)}.${safe(id)}`,
  /** That somebody types in a channel: told at the moment, in no stream. */
  typing: (channelId: string) => `live.typing.${safe(channelId)}`,
  typingOfAll: "live.typing.*",
} as const;

/** The actor of a journal's subject; undefined when it is none. */
export function addressOfEvents(subject: string): (Address & { agency: string }) | undefined {
  const [prefix, agency, kind, id, more] = subject.split(".");
  if (prefix !== "evt" || agency === undefined || kind === undefined || id === undefined || more !== undefined) return;
  return { agency, kind, id };
}

/** The lane of an intake's subject; undefined when it is none. */
export function laneOfIntake(subject: string): Lane | undefined {
  return (Object.keys(INTAKE) as Lane[]).find((lane) => subject.startsWith(`${INTAKE[lane]}.`));
}

/** Where the alert engine notes how far it has come in a lane of the intake. */
export const intakePositionKey = (lane: Lane) => `alerts.${lane}`;

/** Where the bridge to MQTT keeps what tells one session with a broker from the next. */
export const mqttSessionKey = (clientId: string) => `mqtt.${safe(clientId)}`;

export const stateKey = ({ kind, id }: Address) => `${safe(kind)}.${safe(id)}`;

/** The actor of a key in the state bucket; undefined when it is none. */
export function addressOfStateKey(key: string): Address | undefined {
  const [kind, id, more] = key.split(".");
  return kind === undefined || id === undefined || more !== undefined ? undefined : { kind, id };
}
