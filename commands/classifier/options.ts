import { argumentsOf, UsageError } from "../usage.ts";
import type { LabelledBy } from "./examples.ts";

export const CLASSIFIER_HELP = `Usage: npm run classifier:train -- FILE [options]
       npm run classifier:train -- --synthetic N [options]

Trains the text classifier that reads what callers say in their own words, and reports how often it is right on a tenth
of the data that it never saw. The same data, seed and date give the same model, to the byte.

FILE is CSV, plain or gzipped:
  text,label[,category[,priority]]   texts and what they were: the incident type, and its category and priority
  sf-fire-calls, montco-911          dispatch records as npm run replay reads them. They hold no words of the caller:
                                     the text is the dispatcher's own title, in which most types stand word by word

Options:
  --synthetic N      instead of a file: N made-up calls, in the words of nobody
  --label WHAT       what is learned of dispatch records: type or category (default type)
  --out FILE         where the model is written (default: nowhere, only the report)
  --name NAME        what the model is called (default: the file's name)
  --date DATE        the day that is written into the model, ISO 8601 (default: today)
  --seed N           another number, another tenth is held back (default 1)
  --help             this text`;

export interface ClassifierOptions {
  readonly file: string | undefined;
  readonly synthetic: number | undefined;
  readonly labelledBy: LabelledBy;
  readonly out: string | undefined;
  readonly name: string | undefined;
  readonly date: string | undefined;
  readonly seed: number;
}

const SYNTHETIC_MAX = 1_000_000;
const SEED_MAX = 2 ** 32 - 1;

/**
 * @returns "help" where help was asked for
 * @throws UsageError
 */
export function readClassifierOptions(args: readonly string[]): ClassifierOptions | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [file, more] = positionals;
  if (more !== undefined) throw new UsageError(`one file, not two: ${more}`);
  if ((file === undefined) === (values.synthetic === undefined)) throw new UsageError("a FILE, or --synthetic N");
  if (values.label !== "type" && values.label !== "category") {
    throw new UsageError(`--label must be type or category, not "${values.label}"`);
  }
  if (values.date !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(values.date)) {
    throw new UsageError(`--date must be a day such as 2026-03-01, not "${values.date}"`);
  }
  return {
    file,
    synthetic: values.synthetic === undefined ? undefined : whole("synthetic", values.synthetic, 20, SYNTHETIC_MAX),
    labelledBy: values.label,
    out: values.out,
    name: values.name,
    date: values.date,
    seed: whole("seed", values.seed, 0, SEED_MAX),
  };
}

function parse(args: readonly string[]) {
  return argumentsOf({
    args: [...args],
    allowPositionals: true,
    options: {
      synthetic: { type: "string" },
      label: { type: "string", default: "type" },
      out: { type: "string" },
      name: { type: "string" },
      date: { type: "string" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}
