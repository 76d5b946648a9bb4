import { z } from "zod";
import { code } from "./common.ts";

/** A text classifier as a file: what it knows, and of what it was made. A newer layout gets a new number. */
export const TEXT_MODEL_FORMAT = 1;
export const VOCABULARY_MAX = 50_000;
const CLASSES_MAX = 500;

const label = z.strictObject({
  label: code.describe("the incident type"),
  category: code.nullable(),
  priority: z.number().int().min(1).max(5).nullable(),
  /** Natural logarithm of its share of the training data. */
  logPrior: z.number(),
  /** Natural logarithm of the probability of a feature that this class never had. */
  logUnseen: z.number(),
  /** `[index in the vocabulary, logarithm above logUnseen, …]`: features that this class never had are left out. */
  weights: z.array(z.number()),
});

export const textModel = z.strictObject({
  format: z.literal(TEXT_MODEL_FORMAT),
  algorithm: z.literal("multinomial-naive-bayes"),
  name: z.string().min(1).max(100),
  /** As it was given to the training, which knows no clock: the same data make the same file. */
  date: z.iso.date(),
  seed: z.number().int(),
  /** SHA-256 of the training data, texts and labels in their order. */
  dataHash: z.string().regex(/^[0-9a-f]{64}$/),
  examples: z.number().int().positive(),
  /** Of the tenth that it never saw. */
  accuracy: z.number().min(0).max(1),
  baseline: z.number().min(0).max(1),
  /** Its scores are divided by this before they are called probabilities: naive Bayes is too sure of itself. */
  temperature: z.number().positive(),
  vocabulary: z.array(z.string().max(80)).max(VOCABULARY_MAX),
  classes: z.array(label).min(2).max(CLASSES_MAX),
});
export type TextModel = z.infer<typeof textModel>;
