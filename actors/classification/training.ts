import { TEXT_MODEL_FORMAT, type TextModel, VOCABULARY_MAX } from "../../schema/text-model.ts";
import { mostLikely, TextClassifier } from "./text-classifier.ts";
import { featuresOf } from "./text-features.ts";

/** A text, and what it was. */
export interface Example {
  readonly text: string;
  readonly label: string;
  readonly category: string | null;
  readonly priority: number | null;
}

export interface TrainingOptions {
  readonly name: string;
  /** A day, ISO 8601. */
  readonly date: string;
  readonly seed: number;
  /** SHA-256 of the data, hexadecimal. */
  readonly dataHash: string;
  /** 0 <= n < 1, the same for the same seed. */
  readonly random: () => number;
}

export interface ClassReport {
  readonly label: string;
  readonly examples: number;
  /** Of those called so, how many were; and of those that were, how many were called so. */
  readonly precision: number;
  readonly recall: number;
}

export interface Training {
  readonly model: TextModel;
  readonly trained: number;
  readonly heldBack: number;
  readonly accuracy: number;
  /** What always naming the most frequent class would have had. */
  readonly baseline: number;
  readonly classes: readonly ClassReport[];
}

/** Lidstone smoothing: as if every class had every feature this often more. */
const SMOOTHING = 0.1;
/** A feature that was seen once says nothing that would be seen again. */
const FEATURE_SEEN_MIN = 2;
const WEIGHT_DIGITS = 1_000;
const TEMPERATURES = [1, 1.5, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32];

/**
 * Learns from nine tenths and reports on the tenth that is held back. How sure the model may be (its temperature) is found on
 * a tenth of what it learns from, by a model that has not seen that.
 * @throws RangeError where there is nothing to tell apart
 */
export function train(examples: readonly Example[], options: TrainingOptions): Training {
  const { part: heldBack, rest } = tenthOf(examples, options.random);
  if (new Set(rest.map(({ label }) => label)).size < 2) throw new RangeError("two labels at least are needed");
  const { part: asked, rest: others } = tenthOf(rest, options.random);
  const temperature = temperatureOf(build(others, options, 1), asked);
  const model = build(rest, options, temperature);
  const { accuracy, classes } = evaluate(new TextClassifier(model), heldBack);
  const baseline = share(heldBack, mostFrequent(rest.map(({ label }) => label)));
  return {
    model: { ...model, accuracy: rounded(accuracy), baseline: rounded(baseline) },
    trained: rest.length,
    heldBack: heldBack.length,
    accuracy,
    baseline,
    classes,
  };
}

function build(examples: readonly Example[], options: TrainingOptions, temperature: number): TextModel {
  const total = new Map<string, number>();
  const perClass = new Map<string, { examples: Example[]; counts: Map<string, number> }>();
  for (const example of examples) {
    const one = perClass.get(example.label) ?? { examples: [], counts: new Map<string, number>() };
    perClass.set(example.label, one);
    one.examples.push(example);
    for (const feature of featuresOf(example.text)) {
      total.set(feature, (total.get(feature) ?? 0) + 1);
      one.counts.set(feature, (one.counts.get(feature) ?? 0) + 1);
    }
  }
  const vocabulary = [...total]
    .filter(([, count]) => count >= FEATURE_SEEN_MIN)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, VOCABULARY_MAX)
    .map(([feature]) => feature);
  const indexOf = new Map(vocabulary.map((feature, index) => [feature, index]));
  const labels = [...perClass.keys()].sort();
  const { name, date, seed, dataHash } = options;
  return {
    format: TEXT_MODEL_FORMAT,
    algorithm: "multinomial-naive-bayes",
    name,
    date,
    seed,
    dataHash,
    examples: examples.length,
    accuracy: 0,
    baseline: 0,
    temperature,
    vocabulary,
    classes: labels.map((label) => {
      const { examples: own, counts } = perClass.get(label)!;
      const known = [...counts].filter(([feature]) => indexOf.has(feature));
      const sum = known.reduce((all, [, count]) => all + count, 0) + SMOOTHING * vocabulary.length;
      const logUnseen = Math.log(SMOOTHING / sum);
      const weights = known
        .map(([feature, count]): [number, number] => [
          indexOf.get(feature)!,
          Math.log((count + SMOOTHING) / sum) - logUnseen,
        ])
        .sort(([a], [b]) => a - b)
        .flatMap(([index, weight]) => [index, rounded(weight)]);
      const categories = own.map(({ category }) => category);
      return {
        label,
        category: mostFrequent(categories),
        priority: mostFrequent(own.map((one) => one.priority)),
        logPrior: rounded(Math.log(own.length / examples.length)),
        logUnseen: rounded(logUnseen),
        weights,
      };
    }),
  };
}

/** The one by which what it has not seen is least of a surprise. */
function temperatureOf(model: TextModel, examples: readonly Example[]): number {
  const classifier = new TextClassifier(model);
  const labels = model.classes.map(({ label }) => label);
  const surpriseAt = (temperature: number) =>
    examples.reduce((sum, { text, label }) => {
      const scores = classifier.scores(text);
      const index = labels.indexOf(label);
      if (scores === undefined || index < 0) return sum;
      const { best, confidence } = mostLikely(scores, temperature);
      return sum - ((scores[index]! - scores[best]!) / temperature + Math.log(confidence));
    }, 0);
  let least = { temperature: 1, surprise: Number.POSITIVE_INFINITY };
  for (const temperature of TEMPERATURES) {
    const surprise = surpriseAt(temperature);
    if (surprise < least.surprise) least = { temperature, surprise };
  }
  return least.temperature;
}

function evaluate(classifier: TextClassifier, examples: readonly Example[]) {
  const called = new Map<string, number>();
  const right = new Map<string, number>();
  const were = new Map<string, number>();
  const add = (counts: Map<string, number>, label: string) => counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const { text, label } of examples) {
    const guess = classifier.classify(text)?.label;
    add(were, label);
    if (guess !== undefined) add(called, guess);
    if (guess === label) add(right, label);
  }
  const correct = [...right.values()].reduce((sum, count) => sum + count, 0);
  const classes = [...were]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([label, count]) => {
      const hits = right.get(label) ?? 0;
      return { label, examples: count, precision: hits / (called.get(label) ?? 1), recall: hits / count };
    });
  return { accuracy: correct / examples.length, classes };
}

function share(examples: readonly Example[], label: string): number {
  return examples.filter((one) => one.label === label).length / examples.length;
}

function mostFrequent<T>(values: readonly T[]): T {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/** A tenth or a little more, by chance; the same text never stands on both sides. */
function tenthOf(examples: readonly Example[], random: () => number) {
  const byText = new Map<string, Example[]>();
  for (const example of examples) {
    const alike = byText.get(example.text);
    if (alike === undefined) byText.set(example.text, [example]);
    else alike.push(example);
  }
  const part: Example[] = [];
  const rest: Example[] = [];
  for (const alike of shuffle([...byText.values()], random)) {
    (part.length * 10 < examples.length ? part : rest).push(...alike);
  }
  return { part, rest };
}

/** Fisher and Yates. */
function shuffle<T>(items: readonly T[], random: () => number): readonly T[] {
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
  }
  return shuffled;
}

function rounded(value: number): number {
  return Math.round(value * WEIGHT_DIGITS) / WEIGHT_DIGITS;
}
