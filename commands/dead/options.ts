import { argumentsOf, UsageError } from "../usage.ts";

const LIMIT_DEFAULT = 100;

export const DEAD_HELP = `Usage: npm run dead -- list [--after SEQ] [--limit N] [--json]
       npm run dead -- show SEQ
       npm run dead -- replay SEQ… | --all
       npm run dead -- remove SEQ…

Dead letters: what could not be done, kept with the reason, so that it is not forgotten. SEQ is a letter's number, as list
shows it. What list shows as its actor says what it is:

  delivery.…         a notification to a webhook, a channel or a broker that was given up
  page.…             mostly a push that was given up for one of a page's devices
  alert-report.…     an alert report that was accepted and could not be done, as it was said
  mqtt-message.…     an MQTT message that could not be read, or was refused, as it came
  any other actor    a command that was answered with a 500 because processing it threw, or one that had to follow from
                     what happened elsewhere (as an incident's channel does) and was refused

  list               the oldest letters first: number, time, actor, reason, request id
    --after SEQ      only those after this one
    --limit N        at most so many (default ${LIMIT_DEFAULT})
    --json           whole letters, one a line, as JSON
  show SEQ           the whole letter, as JSON
  replay SEQ…        sends the command again, under its old command id: if it was done after all, nothing is done twice.
                     A notification or a push is tried again. Reports and messages are no commands: they stay; whoever
                     sent them says again what still matters, then remove them.
                     The letter is removed when the command is done or refused, and stays when it fails again or no
                     answer comes. Once a command has failed again, later letters of the same actor are left alone.
    --all            all letters, oldest first
  remove SEQ…        removes these letters; nothing is sent

  --help             this text

Environment:
  NATS_URL           the nats-server of the node (default: the one that runs on $DATA_DIR, DATA_DIR default ./data)

Exit code: 0 done, 1 not all of it, 2 could not begin.`;

export type DeadOptions =
  | { readonly action: "list"; readonly after: number; readonly limit: number; readonly json: boolean }
  | { readonly action: "show"; readonly sequence: number }
  | { readonly action: "replay"; readonly sequences: readonly number[] | "all" }
  | { readonly action: "remove"; readonly sequences: readonly number[] };

/** Which options each action takes, besides --help. */
const OPTIONS_OF: Readonly<Record<DeadOptions["action"], readonly string[]>> = {
  list: ["after", "limit", "json"],
  show: [],
  replay: ["all"],
  remove: [],
};

function wholeNumber(what: string, text: string, min: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || !Number.isSafeInteger(value))
    throw new UsageError(`${what} must be a whole number from ${min}, not "${text}"`);
  return value;
}

function parse(args: readonly string[]) {
  return argumentsOf({
    args: [...args],
    allowPositionals: true,
    options: {
      after: { type: "string" },
      limit: { type: "string" },
      json: { type: "boolean" },
      all: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}

/** Oldest first and each once: an actor's commands are sent again in the order in which they came. */
function sequencesOf(action: string, numbers: readonly string[]): readonly number[] {
  if (numbers.length === 0) throw new UsageError(`${action}: which letters? Name their numbers, as list shows them`);
  const sequences = numbers.map((text) => wholeNumber(`${action}: SEQ`, text, 1));
  return [...new Set(sequences)].sort((a, b) => a - b);
}

/**
 * @returns "help" where help was asked for
 * @throws UsageError
 */
export function readDeadOptions(args: readonly string[]): DeadOptions | "help" {
  const { values, positionals } = parse(args);
  if (values.help === true) return "help";
  const [action, ...numbers] = positionals;
  if (action === undefined) throw new UsageError("what to do: list, show, replay or remove?");
  if (!isAction(action)) throw new UsageError(`there is no "${action}": list, show, replay or remove`);
  const foreign = Object.keys(values).find((name) => !OPTIONS_OF[action].includes(name));
  if (foreign !== undefined) throw new UsageError(`${action} takes no --${foreign}`);
  switch (action) {
    case "list":
      if (numbers.length > 0) throw new UsageError(`list takes no number; what is "${numbers[0]}"?`);
      return {
        action,
        after: wholeNumber("--after", values.after ?? "0", 0),
        limit: wholeNumber("--limit", values.limit ?? String(LIMIT_DEFAULT), 1),
        json: values.json ?? false,
      };
    case "show": {
      const [sequence, ...others] = sequencesOf(action, numbers);
      if (others.length > 0) throw new UsageError("show: one letter at a time");
      return { action, sequence: sequence! };
    }
    case "replay":
      if (values.all !== true) return { action, sequences: sequencesOf(action, numbers) };
      if (numbers.length > 0) throw new UsageError("replay: either numbers or --all");
      return { action, sequences: "all" };
    case "remove":
      return { action, sequences: sequencesOf(action, numbers) };
  }
}

function isAction(text: string): text is DeadOptions["action"] {
  return Object.hasOwn(OPTIONS_OF, text);
}
