import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Example, train } from "../../actors/classification/training.ts";
import { type TextModel, textModel } from "../../schema/text-model.ts";
import { UnreadableFile } from "../replay/file-text.ts";
import { UnknownLayout } from "../replay/layouts/layout.ts";
import type { Output } from "../replay/output.ts";
import { pathOf } from "../replay/paths.ts";
import { seededRandom } from "../simulate/random.ts";
import { UsageError } from "../usage.ts";
import { readExamples } from "./examples.ts";
import { CLASSIFIER_HELP, type ClassifierOptions, readClassifierOptions } from "./options.ts";
import { reportOf } from "./report.ts";
import { spokenCalls } from "./spoken.ts";

export interface ClassifierContext {
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  /** Today, ISO 8601. */
  readonly today: string;
}

/** A line a class, so that a change of the model can be read; and none of the texts. */
export function modelFile(model: TextModel): string {
  const { classes, vocabulary, ...rest } = model;
  const fields = Object.entries(rest).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  const lines = classes.map((one) => `    ${JSON.stringify(one)}`).join(",\n");
  return `{\n${fields.join("\n")}\n  "vocabulary": ${JSON.stringify(vocabulary)},\n  "classes": [\n${lines}\n  ]\n}\n`;
}

export function dataHashOf(examples: readonly Example[]): string {
  const hash = createHash("sha256");
  for (const { text, label, category, priority } of examples)
    hash.update(JSON.stringify([text, label, category, priority]));
  return hash.digest("hex");
}

async function trainFrom(options: ClassifierOptions, { env, out, today }: ClassifierContext): Promise<0 | 2> {
  const { file, synthetic, labelledBy, seed, date = today } = options;
  const examples =
    file === undefined ? spokenCalls(synthetic ?? 0, seed) : await readExamples(pathOf(file, env), labelledBy);
  const name = options.name ?? (file === undefined ? "synthetic calls" : basename(file));
  const random = seededRandom(seed).next;
  const training = train(examples, { name, date, seed, dataHash: dataHashOf(examples), random });
  out.result(reportOf(training));
  if (options.out === undefined) return 0;
  await writeFile(pathOf(options.out, env), modelFile(textModel.parse(training.model)));
  out.note(`written to ${options.out}`);
  return 0;
}

/** The command. @returns the exit code: 0 done, 2 not begun */
export async function runClassifier(args: readonly string[], context: ClassifierContext): Promise<0 | 2> {
  try {
    const options = readClassifierOptions(args);
    if (options !== "help") return await trainFrom(options, context);
    context.out.result(CLASSIFIER_HELP);
    return 0;
  } catch (error) {
    const isFile = error instanceof Error && "syscall" in error;
    const told = [UsageError, UnreadableFile, UnknownLayout, RangeError].some((one) => error instanceof one);
    if (!told && !isFile) throw error;
    context.out.note(`${(error as Error).message}\nTry: npm run classifier:train -- --help`);
    return 2;
  }
}
