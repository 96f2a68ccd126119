/**
 * The libraries that speak SSH, a quarter of what the provider loads: they are loaded when a key is read or a host is
 * reached without ssh(1), and not by a process that does neither.
 */
/* eslint-disable @typescript-eslint/no-require-imports */
export const ssh2 = (): typeof import("ssh2") => require("ssh2") as typeof import("ssh2");
export const nodeSsh = (): typeof import("node-ssh") =>
  require("node-ssh") as typeof import("node-ssh");
