import type { Training } from "../../actors/classification/training.ts";

const CLASSES_SHOWN = 25;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** What a person has to know of a model before it is used. */
export function reportOf({ model, trained, heldBack, accuracy, baseline, classes }: Training): string {
  const width = Math.max(...classes.slice(0, CLASSES_SHOWN).map(({ label }) => label.length), "class".length);
  const rows = classes
    .slice(0, CLASSES_SHOWN)
    .map(({ label, examples, precision, recall }) =>
      [
        label.padEnd(width),
        String(examples).padStart(9),
        percent(precision).padStart(10),
        percent(recall).padStart(9),
      ].join(" "),
    );
  const left = classes.length - rows.length;
  return [
    `${model.name}: learned from ${trained} texts, tried on ${heldBack} that it never saw (seed ${model.seed})`,
    `right: ${percent(accuracy)}; always naming the most frequent class would be ${percent(baseline)}`,
    `${model.classes.length} classes, ${model.vocabulary.length} features, temperature ${model.temperature}, data ${model.dataHash.slice(0, 12)}`,
    "",
    ["class".padEnd(width), "held back", " precision", "   recall"].join(" "),
    ...rows,
    ...(left > 0 ? [`and ${left} more`] : []),
  ].join("\n");
}
