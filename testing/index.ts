/**
 * The published testing kit, `pulumi-openbsd-postfix/testing`: starts hosts that are shaped like OpenBSD, and runs Pulumi
 * programs against them. This file only lists what is public.
 *
 * - `pulumi/` runs a Pulumi program against a host and returns the plan as data.
 * - `extras/` starts and stops what a host has beyond a plain OpenBSD: MariaDB, Dovecot.
 * - `host/` is a running test host, with its keeper process and its command line.
 * - `image/` makes the file tree that hosts start with, with the help of `openbsd/`.
 * - `machine/` has what the others need of the machine that they run on: folders, processes, namespaces.
 */
export { type Dovecot, type DovecotOptions, startDovecot } from "./extras/dovecot";
export { type MariaDb, type MariaDbOptions, startMariaDb } from "./extras/mariadb";
export type { DialOptions } from "./host/dial";
export type { Facts } from "./host/factOverrides";
export { listHosts, stopHost, type ListedHost, type StartOptions } from "./host/lifecycle";
export type { Reach } from "./host/network";
export { diffTrees } from "./host/snapshot";
export { generateSshKey, type SshKeyPair } from "./host/sshKeys";
export type { Admission, End, LineCounters } from "./host/sshLine";
export {
  attachHost,
  type ExecResult,
  hostEnvironment,
  type HostLine,
  startHost,
  type TestHost,
} from "./host/testHost";
export { volatilePaths } from "./host/volatilePaths";
export { ensureImage } from "./image/ensureImage";
export type { Tree, TreeEntry } from "./image/fileTree";
export type { Extra } from "./image/stages";
export { familyReleases, type Release, releases } from "./image/releases";
export { cacheFolder } from "./machine/folders";
export {
  connectionOf,
  type PlannedStep,
  type Preview,
  previewOn,
  type PreviewOptions,
  ProgramOnHost,
  type RunOptions,
} from "./pulumi/preview";
export type { Outcome, Step } from "./pulumi/runOutcome";
