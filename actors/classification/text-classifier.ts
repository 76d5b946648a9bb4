import type { TextModel } from "../../schema/text-model.ts";
import { featuresOf } from "./text-features.ts";

export interface Opinion {
  readonly label: string;
  readonly category: string | null;
  readonly priority: number | null;
  /** 0 to 1. */
  readonly confidence: number;
}

interface PreparedClass {
  readonly label: string;
  readonly category: string | null;
  readonly priority: number | null;
  readonly logPrior: number;
  readonly logUnseen: number;
}

/**
 * Multinomial naive Bayes over words. Of the libraries there are, `natural` brings database drivers and `wink` a language
 * model of megabytes; what is needed is the sum of some logarithms.
 */
export class TextClassifier {
  readonly model: TextModel;
  readonly #classes: readonly PreparedClass[];
  /** By feature: class, weight, class, weight, … */
  readonly #weights = new Map<string, number[]>();

  constructor(model: TextModel) {
    this.model = model;
    this.#classes = model.classes.map(({ weights: _weights, ...one }) => one);
    for (const [index, { weights }] of model.classes.entries()) {
      for (let at = 0; at + 1 < weights.length; at += 2) {
        const feature = model.vocabulary[weights[at]!];
        if (feature === undefined) continue;
        const known = this.#weights.get(feature);
        if (known === undefined) this.#weights.set(feature, [index, weights[at + 1]!]);
        else known.push(index, weights[at + 1]!);
      }
    }
  }

  /** @returns undefined for a text without a single word that the model knows */
  classify(text: string): Opinion | undefined {
    const scores = this.scores(text);
    if (scores === undefined) return undefined;
    const { best, confidence } = mostLikely(scores, this.model.temperature);
    const { label, category, priority } = this.#classes[best]!;
    return { label, category, priority, confidence };
  }

  /** Logarithms of how likely each class is, up to what they have in common. */
  scores(text: string): Float64Array | undefined {
    const scores = Float64Array.from(this.#classes, ({ logPrior }) => logPrior);
    let known = 0;
    for (const feature of featuresOf(text)) {
      const weights = this.#weights.get(feature);
      if (weights === undefined) continue;
      known += 1;
      for (let at = 0; at < weights.length; at += 2) scores[weights[at]!]! += weights[at + 1]!;
    }
    if (known === 0) return undefined;
    for (const [index, { logUnseen }] of this.#classes.entries()) scores[index]! += known * logUnseen;
    return scores;
  }
}

/** Softmax of the scores; the first of several that are equally likely. */
export function mostLikely(scores: Float64Array, temperature: number) {
  let best = 0;
  for (let index = 1; index < scores.length; index++) if (scores[index]! > scores[best]!) best = index;
  let sum = 0;
  for (const score of scores) sum += Math.exp((score - scores[best]!) / temperature);
  return { best, confidence: 1 / sum };
}
