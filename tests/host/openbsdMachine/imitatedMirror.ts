/**
 * A mirror that imitates those of OpenBSD: signed by a key of its own with the real signify(1), and with an imitated
 * installer, which is loaded from the network as the real one is.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImitatedMachine } from "./imitatedMachine";

/** The files of a mirror. */
export interface ImitatedMirror {
  /** What a mirror has at /pub/OpenBSD. */
  readonly root: string;
  /** The folder of the release on it. */
  readonly amd64: string;
  /** The public key in a file of signify(1). */
  readonly key: string;
}

/**
 * QEMU's network card loads a program by TFTP and starts it: on a real mirror, pxeboot(8). This is a script for the same
 * program of the card (iPXE), which loads Debian's kernel under the name of OpenBSD's.
 */
const pxeboot = [
  "#!ipxe",
  "kernel bsd.rd console=ttyS0 panic=-1 quiet initrd=bsd",
  "initrd bsd",
  "boot",
  "",
].join("\n");

/** Makes a mirror in a folder. */
export function imitatedMirror(folder: string, machine: ImitatedMachine): ImitatedMirror {
  const root = join(folder, "pub/OpenBSD");
  const amd64 = join(root, "7.8/amd64");
  mkdirSync(amd64, { recursive: true });
  writeFileSync(join(amd64, "pxeboot"), pxeboot);
  symlinkSync(machine.kernel, join(amd64, "bsd.rd"));
  symlinkSync(machine.installer, join(amd64, "bsd"));
  symlinkSync(machine.base, join(amd64, "base78.tgz"));
  // What the signed list has besides, and no installation needs.
  for (const name of ["BUILDINFO", "INSTALL.amd64", "comp78.tgz", "xbase78.tgz", "bsd.mp"])
    writeFileSync(join(amd64, name), `${name}\n`);
  const key = join(folder, "openbsd-78-base.pub");
  const secret = join(folder, "openbsd-78-base.sec");
  execFileSync("signify-openbsd", ["-G", "-n", "-p", key, "-s", secret]);
  const digests = readdirSync(amd64)
    .sort()
    .map((name) => `SHA256 (${name}) = ${sha256(join(amd64, name))}\n`);
  writeFileSync(join(folder, "SHA256"), digests.join(""));
  const signed = join(amd64, "SHA256.sig");
  execFileSync("signify-openbsd", [
    "-Se",
    "-s",
    secret,
    "-m",
    join(folder, "SHA256"),
    "-x",
    signed,
  ]);
  return { root, amd64, key };
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
