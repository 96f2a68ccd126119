/** The program under test: a server with every step of the guide, or with the first of them. */
import type { HostFacts } from "./host/facts";
import type { Options } from "./options";

/** The steps in the order in which a server makes them, by the names of its arguments. */
export const STEPS = [
  "package",
  "docs",
  "tables",
  "mailStore",
  "aliases",
  "masterCf",
  "mainCf",
  "chrootResolv",
  "mailerConf",
  "baseMailer",
  "rcConfLocal",
  "service",
  "rootCrontab",
  "mailCheck",
] as const;

/** A step, by the name of the server's argument. */
export type StepName = (typeof STEPS)[number];

/** What the server is called in the program, and in Postfix's greeting. */
export const SERVER = "acceptance";
export const HOSTNAME = "acceptance.example.org";

/** What is different from one run of the program to the next. */
export interface Variant {
  /** The steps that are there. @defaultValue all */
  readonly steps?: readonly StepName[];
  /** Who logs in. @defaultValue root */
  readonly user?: string;
  /** An alias more. */
  readonly alias?: string;
}

/** The name of a step's resource in the stack. */
export function resourceOf(step: StepName): string {
  const suffix =
    step === "tables" ? "table-transport" : step.replace(/[A-Z]/g, (l) => `-${l.toLowerCase()}`);
  return `${SERVER}-${suffix}`;
}

/** The program's text in CommonJS, which Pulumi runs as it is. The test message goes to the user `recipient`. */
export function programText(
  options: Options,
  facts: HostFacts,
  recipient: string,
  { steps = STEPS, user = "root", alias }: Variant = {},
): string {
  const { host, port, identity, knownHosts, legacy } = options.address;
  const all: Record<StepName, unknown> = {
    package: { packagePath: options.packagePath, version: options.packageVersion },
    docs: {},
    tables: {
      transport: { path: "/etc/postfix/transport", entries: { "example.com": "smtp:[192.0.2.1]" } },
    },
    mailStore: {},
    aliases: {
      entries: {
        postmaster: ["root"],
        webmaster: ["root"],
        ...(alias === undefined ? {} : { [alias]: ["root"] }),
      },
    },
    masterCf: {
      services: {
        "submission/inet": {
          command: "smtpd",
          overrides: { smtpd_sasl_auth_enable: "no", syslog_name: "postfix/submission" },
        },
      },
    },
    mainCf: {
      parameters: {
        myhostname: HOSTNAME,
        mydomain: "example.org",
        // Nobody but the host itself is served while the suite runs.
        inet_interfaces: "loopback-only",
        mynetworks: "127.0.0.0/8 [::1]/128",
      },
    },
    chrootResolv: {},
    mailerConf: {},
    baseMailer: {},
    rcConfLocal: { flags: { sshd_flags: ["-u0"] } },
    service: {},
    rootCrontab: {
      commentOut: ["newsyslog", ...(facts.hasClientmqueueJob ? ["sm-msp-queue"] : [])],
    },
    mailCheck: { recipient },
  };
  const args = Object.fromEntries(
    STEPS.map((step) => [step, steps.includes(step) ? all[step] : without(step)]),
  );
  const connection = {
    host,
    port,
    user,
    privateKeyPath: identity,
    knownHostsPath: knownHosts,
    legacyAlgorithms: legacy === true ? true : undefined,
  };
  return `"use strict";
const { PostfixServer } = require("pulumi-openbsd-postfix");
const server = new PostfixServer(${JSON.stringify(SERVER)}, ${JSON.stringify({ connection, ...args }, undefined, 2)});
module.exports = { banner: server.banner, packageName: server.packageName, version: server.version };
`;
}

function without(step: StepName): false | Record<string, never> {
  return step === "tables" ? {} : false;
}
