// Certificates for tests, made by the openssl that is on the machine.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pems {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A certificate authority. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), "pachyderm-ca-"));
  #count = 0;

  constructor(name: string) {
    this.#run("req", "-x509", ...newKey("ca.key"), "-out", "ca.crt", "-days", "1", "-subj", `/CN=${name}`);
  }

  /** @param names of its subject, as `DNS:localhost` or `IP:127.0.0.1` */
  issue(...names: readonly string[]): Pems {
    this.#count += 1;
    const name = `node-${this.#count}`;
    writeFileSync(join(this.#folder, `${name}.ext`), `subjectAltName=${names.join(",")}\n`);
    this.#run("req", ...newKey(`${name}.key`), "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", `${name}.ext`];
    this.#run("x509", "-req", "-in", `${name}.csr`, ...signer, "-out", `${name}.crt`, "-days", "1");
    return { cert: this.#read(`${name}.crt`), key: this.#read(`${name}.key`), ca: this.#read("ca.crt") };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #run(...args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), "utf8");
  }
}

function newKey(file: string): readonly string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file];
}
