import type { Example } from "../../actors/classification/training.ts";
import { csvLines } from "../replay/csv-lines.ts";
import { readText } from "../replay/file-text.ts";
import { UnknownLayout } from "../replay/layouts/layout.ts";
import { slug } from "../replay/layouts/text.ts";
import { readCalls } from "../replay/read-calls.ts";

export type LabelledBy = "type" | "category";

/**
 * Texts with their labels: of a CSV with the columns text and label (and category, priority, if there are any), or of
 * dispatch records in any layout that can be replayed. Of those the text is the call's title, without what the label is
 * read from word by word being hidden: see the report's baseline, and the note in the help.
 * @throws UnknownLayout
 */
export async function readExamples(path: string, labelledBy: LabelledBy): Promise<readonly Example[]> {
  return (await readLabelled(path)) ?? (await readRecords(path, labelledBy));
}

async function readLabelled(path: string): Promise<readonly Example[] | undefined> {
  const examples: Example[] = [];
  let columns: Map<string, number> | undefined;
  for await (const lines of csvLines(readText(path))) {
    for (const { cells, fault } of lines) {
      if (columns === undefined) {
        columns = new Map(cells.map((name, index) => [name.trim().toLowerCase(), index]));
        if (fault || !columns.has("text") || !columns.has("label")) return undefined;
        continue;
      }
      const cell = (name: string) => cells[columns!.get(name) ?? -1]?.trim() ?? "";
      const [text, label, priority] = [cell("text"), slug(cell("label")), Number(cell("priority"))];
      if (fault || text === "" || label === "") continue;
      const isPriority = Number.isInteger(priority) && priority >= 1 && priority <= 5;
      examples.push({ text, label, category: slug(cell("category")) || null, priority: isPriority ? priority : null });
    }
  }
  if (columns === undefined) throw new UnknownLayout("the file has no line");
  return examples;
}

async function readRecords(path: string, labelledBy: LabelledBy): Promise<readonly Example[]> {
  const { calls } = await readCalls(readText(path));
  return calls.map(({ title, type, category, priority }) => ({
    text: title,
    label: labelledBy === "type" ? type : slug(category),
    category: slug(category),
    priority: priority ?? null,
  }));
}
