import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { makeFolder } from "./folder.ts";
import { lockDataDirectory } from "./lock.ts";

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "tocsin-folder-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it("a folder is made with those above it, for this user alone, and may be there already", () => {
  const folder = join(place(), "a/b/c");
  makeFolder(folder);
  makeFolder(folder);
  for (const one of [folder, join(folder, "..")]) expect(statSync(one).mode & 0o777).toBe(0o700);
});

it("a data directory is locked where it is made, and given back", () => {
  const folder = join(place(), "data");
  const unlock = lockDataDirectory(folder);
  expect(statSync(join(folder, "lock")).isFile()).toBe(true);
  unlock();
  expect(() => statSync(join(folder, "lock"))).toThrow("ENOENT");
});

it("a data directory that cannot be made is refused at once, by its name and that of the setting", () => {
  // Linux says of it that the folder above is not there, though it is.
  expect(() => lockDataDirectory("/proc/nope")).toThrow(
    /^DATA_DIR \/proc\/nope cannot be made or written \(E[A-Z]+\): name a folder that this user may write in DATA_DIR$/,
  );
});

it("a data directory that is a file, or is to be below one, is refused in the same way", () => {
  const file = join(place(), "file");
  writeFileSync(file, "");
  for (const dataDir of [file, join(file, "data"), join(file, "a/b")])
    expect(() => lockDataDirectory(dataDir)).toThrow(`DATA_DIR ${dataDir} is no folder: name a folder`);
  const nowhere = `${file}-link`;
  symlinkSync(join(file, "gone"), nowhere);
  expect(() => lockDataDirectory(nowhere)).toThrow(`DATA_DIR ${nowhere} is no folder`);
});
