import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export interface Certified {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Keys and certificates of an authority of its own, in a folder: `<name>.key`, `<name>.pem`, and `authority.pem`. */
export class Certificates {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#openssl("req", "-x509", ...this.#subject("authority"), "-out", "authority.pem", "-days", "2");
  }

  /** What its authority is to be trusted by. */
  get authorityFile(): string {
    return join(this.#folder, "authority.pem");
  }

  /** @param extensions as `subjectAltName=IP:127.0.0.1` */
  issue(name: string, extensions: string): Certified {
    this.#openssl("req", ...this.#subject(name), "-out", `${name}.csr`);
    writeFileSync(join(this.#folder, "extensions"), extensions);
    const signer = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2"];
    this.#openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-extfile", "extensions", "-out", `${name}.pem`);
    const read = (ending: string) => readFileSync(join(this.#folder, `${name}.${ending}`));
    return { key: read("key"), cert: read("pem") };
  }

  #subject(name: string): readonly string[] {
    return ["-subj", `/CN=${name}`, "-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
  }

  #openssl(...args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }
}
