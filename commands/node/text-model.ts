import { existsSync, readFileSync } from "node:fs";
import { TextClassifier } from "../../actors/classification/text-classifier.ts";
import { textModel } from "../../schema/text-model.ts";

/** No model that is of use is larger. */
const MODEL_BYTES_MAX = 33_554_432;

/** The model that comes with the package, whether this runs from its source or from dist/. */
export function shippedModel(): URL {
  let folder = new URL("./", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("../", folder);
  return new URL("models/synthetic-calls.json", folder);
}

/**
 * @param setting a file, "off", or undefined for the shipped one
 * @throws Error saying what is wrong with the file
 */
export function loadTextClassifier(setting: string | undefined): TextClassifier | undefined {
  if (setting === "off") return undefined;
  const file = setting ?? shippedModel();
  const bytes = readFileSync(file);
  if (bytes.length > MODEL_BYTES_MAX) throw new Error(`${file}: more than ${MODEL_BYTES_MAX} bytes is no text model`);
  const parsed = textModel.safeParse(jsonOf(file, bytes));
  if (parsed.success) return new TextClassifier(parsed.data);
  const [issue] = parsed.error.issues;
  throw new Error(`${file} is no text model: ${issue?.path.join(".")}: ${issue?.message}`);
}

function jsonOf(file: string | URL, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Error(`${file} is no text model: ${error instanceof Error ? error.message : error}`);
  }
}
