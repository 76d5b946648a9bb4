import { SaxesParser } from "saxes";

/** One element: what is not CAP's is left out with all that it holds. */
export interface Element {
  readonly uri: string;
  readonly name: string;
  readonly children: Element[];
  text: string;
}

/** What was wrong with a document, in words for its sender. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

/** Signatures nest deepest, at about eight. */
const DEPTH_MAX = 32;
const ELEMENTS_MAX = 50_000;

const ENCODINGS: ReadonlySet<string> = new Set([
  "utf-8",
  "utf8",
  "us-ascii",
  "iso-8859-1",
  "iso-8859-15",
  "windows-1252",
  "utf-16",
  "utf-16le",
  "utf-16be",
]);

/** Decodes by byte order mark, or by what the document says of itself. @throws Unreadable */
export function textOf(bytes: Uint8Array): string {
  const [a, b] = bytes;
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200));
  const said =
    /^(?:\u00ef\u00bb\u00bf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]{1,40})["']/.exec(head)?.[1] ?? "utf-8";
  const marked = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : undefined;
  const encoding = (marked ?? said).toLowerCase();
  if (!ENCODINGS.has(encoding)) throw new Unreadable(`the encoding ${encoding} is not supported: send UTF-8`);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable(`the document says it is ${encoding}, and has bytes that are not`);
  }
}

/**
 * Reads XML from outside into elements. There is no document type, so there are no entities but the five of XML itself,
 * nothing is fetched, and depth and number are bounded. Text of elements that `keeps` refuses is dropped as it comes.
 * @throws Unreadable
 */
export function elementsOf(text: string, keeps: (uri: string, name: string) => boolean): Element {
  const parser = new SaxesParser({ xmlns: true });
  const root: Element = { uri: "", name: "", children: [], text: "" };
  const open: Element[] = [root];
  let count = 0;
  parser.on("error", (error) => {
    throw new Unreadable(`not well-formed XML: ${error.message.slice(0, 200)}`);
  });
  parser.on("doctype", () => {
    throw new Unreadable("a document type (DOCTYPE) is not allowed");
  });
  parser.on("opentag", ({ uri, local }) => {
    if (open.length > DEPTH_MAX) throw new Unreadable(`nested more than ${DEPTH_MAX} levels deep`);
    count += 1;
    if (count > ELEMENTS_MAX) throw new Unreadable(`more than ${ELEMENTS_MAX} elements`);
    const element = { uri, name: local, children: [], text: "" };
    open[open.length - 1]!.children.push(element);
    open.push(element);
  });
  const add = (more: string) => {
    const element = open[open.length - 1]!;
    if (keeps(element.uri, element.name)) element.text += more;
  };
  parser.on("text", add);
  parser.on("cdata", add);
  parser.on("closetag", () => {
    open.pop();
  });
  parser.write(text).close();
  return root;
}
