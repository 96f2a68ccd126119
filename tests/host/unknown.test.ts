/** Inputs that are not known yet, on a host that is: no failure in any step, and they are named. */
import { startHost, type TestHost } from "../../testing";
import { UNKNOWN } from "../../provider/values/json";
import { connectionTo, packageOf } from "../preview/server";
import { create, failures, inputsOf, said } from "./provider";

const ARGS: Readonly<Record<string, Record<string, unknown>>> = {
  Aliases: { entries: { root: [UNKNOWN, "bob"] }, file: UNKNOWN },
  ChrootResolv: { files: [UNKNOWN, "hosts"] },
  LookupTable: {
    path: UNKNOWN,
    type: UNKNOWN,
    entries: { "example.org": UNKNOWN },
    permissions: { mode: UNKNOWN, owner: UNKNOWN },
  },
  MailCheck: { recipient: UNKNOWN },
  MainCf: { parameters: { myhostname: UNKNOWN, mydomain: "example.org" } },
  MasterCf: { services: { "submission/inet": { command: "smtpd", args: [UNKNOWN] } } },
  PostfixDocs: { path: UNKNOWN, triggers: [UNKNOWN] },
  PostfixPackage: { flavors: [UNKNOWN] },
  PostfixService: { triggers: [UNKNOWN] },
  RcConfLocal: {
    boot: UNKNOWN,
    variables: { ntpd_flags: UNKNOWN },
    flags: { syslogd_flags: [UNKNOWN] },
    packageScripts: [UNKNOWN],
  },
  RootCrontab: { commentOut: [UNKNOWN] },
};

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
  // What a table and a service are judged by comes with it.
  const news = inputsOf("PostfixPackage", packageOf("7.8"), connectionTo(host));
  await create("PostfixPackage", news);
});
afterAll(() => host.stop());

const cases = Object.entries(ARGS).flatMap(([kind, args]) =>
  Object.keys(args).flatMap((name) => [
    [kind, name, { ...known(kind, args), [name]: args[name] }] as const,
    [kind, `all of ${name}`, { ...known(kind, args), [name]: UNKNOWN }] as const,
  ]),
);

/** What a step needs at least, as it would be known. */
function known(kind: string, args: Record<string, unknown>): Record<string, unknown> {
  const given: Record<string, unknown> = {
    ...(kind === "LookupTable"
      ? { path: "/etc/postfix/transport", entries: { "example.net": "smtp:" } }
      : { entries: { root: ["bob"] } }),
    parameters: { myhostname: "a.example.org" },
    recipient: "alice",
  };
  return Object.fromEntries(
    Object.keys(args)
      .filter((name) => name in given)
      .map((name) => [name, given[name]]),
  );
}

test.each(cases)("%s with %s unknown is no failure of a preview", async (kind, name, args) => {
  said();
  expect(await failures(kind, inputsOf(kind, args, connectionTo(host), { preview: true }))).toBe(
    "",
  );
  const words = said();
  if (!name.includes("triggers")) expect(words).toContain("Not known yet, so not shown: ");
});
