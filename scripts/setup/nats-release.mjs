import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./run-command.mjs";
import { SetupError, saying } from "./say.mjs";

const VERSION = "2.15.0";

/** From the release's SHA256SUMS. A new version needs all of them anew. */
const SHA256 = {
  "darwin-amd64": "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95",
  "darwin-arm64": "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8",
  "linux-amd64": "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92",
  "linux-arm64": "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112",
};

/**
 * Unpacks the official release of nats-server into a folder, having compared its checksum with the one that stands here.
 * @throws SetupError on another platform, when it cannot be fetched, and when it is not what it was
 */
export function unpackRelease(folder) {
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const expected = SHA256[platform];
  if (expected === undefined)
    throw new SetupError(`no checksum of a nats-server release for ${platform} is known here`);
  const name = `nats-server-v${VERSION}-${platform}`;
  const work = `${folder}.${process.pid}`;
  const archive = join(work, "archive.tar.gz");
  try {
    mkdirSync(join(work, "out"), { recursive: true });
    saying(`fetching the release nats-server ${VERSION} for ${platform}`, () => {
      download(`https://github.com/nats-io/nats-server/releases/download/v${VERSION}/${name}.tar.gz`, archive);
      const actual = createHash("sha256").update(readFileSync(archive)).digest("hex");
      if (actual !== expected)
        throw new SetupError(`${name}.tar.gz is not what it was: its SHA-256 is ${actual}, not ${expected}`);
      mustWork(runCommand("tar", ["-xzf", archive, "-C", join(work, "out"), "--strip-components=1"]), "tar");
    });
    renameSync(join(work, "out"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** By curl: every system that this is for has it, and it knows about proxies, which Node's fetch does not. */
function download(url, file) {
  const args = ["--fail", "--location", "--silent", "--show-error", "--connect-timeout", "10", "--max-time", "300"];
  mustWork(runCommand("curl", [...args, "--output", file, url]), `curl ${url}`);
}

function mustWork({ ok, output }, what) {
  if (!ok) throw new SetupError(`${what} failed: ${output}`);
}
