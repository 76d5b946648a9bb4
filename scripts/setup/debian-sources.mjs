import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The code name of this machine's release, like bookworm. */
export function ownSuite() {
  return /^VERSION_CODENAME=(\S+)/m.exec(text("/etc/os-release"))?.[1];
}

/** The mirror from which this machine's apt gets Debian itself; undefined where it gets something else. */
export function ownMirror() {
  if (!/^ID=debian$/m.test(text("/etc/os-release"))) return undefined;
  const suites = [ownSuite(), "stable", "testing", "unstable", "sid", "oldstable"];
  const uris = entries()
    .filter((entry) => entry.components.includes("main") && entry.suites.some((suite) => suites.includes(suite)))
    .map(({ uri }) => uri);
  // Others publish for Debian too, with a suite and a component of these names.
  return uris.find((uri) => /\/debian\/?$/.test(uri)) ?? uris[0];
}

function entries() {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return [
    ...["/etc/apt/sources.list", ...files.filter((file) => file.endsWith(".list"))].flatMap((file) =>
      oneLine(text(file)),
    ),
    ...files.filter((file) => file.endsWith(".sources")).flatMap((file) => deb822(text(file))),
  ];
}

/** `deb [option=value …] URI suite component …` */
function oneLine(list) {
  return list
    .split("\n")
    .map((line) => /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line))
    .filter((match) => match !== null)
    .map(([, uri, suite, components]) => ({ uri, suites: [suite], components: components.split(/\s+/) }));
}

/** Paragraphs of `Field: value …`; a value goes on in lines that begin with a space. */
function deb822(sources) {
  return sources
    .replace(/^#.*\n/gm, "")
    .replace(/\n[ \t]+/g, " ")
    .split(/\n\s*\n/)
    .map((paragraph) => {
      const values = (field) =>
        new RegExp(`^${field}:(.*)$`, "im").exec(paragraph)?.[1].trim().split(/\s+/).filter(Boolean) ?? [];
      return {
        types: values("Types"),
        enabled: values("Enabled")[0],
        uris: values("URIs"),
        suites: values("Suites"),
        components: values("Components"),
      };
    })
    .filter(({ types, enabled, uris }) => types.includes("deb") && enabled !== "no" && uris.length > 0)
    .map(({ uris, suites, components }) => ({ uri: uris[0], suites, components }));
}

function text(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
