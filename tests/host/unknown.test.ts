/** Inputs that are not known yet, on a host that is: no failure in any step, and they are named. */
import { startHost, type TestHost } from "../../testing";
import { UNKNOWN } from "../../provider/json";
import { failures, inputsOf, said } from "./provider";

const ARGS: Readonly<Record<string, Record<string, unknown>>> = {
  Aliases: { entries: { root: [UNKNOWN, "bob"] }, file: UNKNOWN },
  ChrootResolv: { files: [UNKNOWN, "hosts"] },
  MailCheck: { recipient: UNKNOWN },
  MainCf: { parameters: { myhostname: UNKNOWN, mydomain: "example.org" } },
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
});
afterAll(() => host.stop());

const cases = Object.entries(ARGS).flatMap(([kind, args]) =>
  Object.keys(args).flatMap((name) => [
    [kind, name, { ...known(args), [name]: args[name] }] as const,
    [kind, `all of ${name}`, { ...known(args), [name]: UNKNOWN }] as const,
  ]),
);

/** What a step needs at least, as it would be known. */
function known(args: Record<string, unknown>): Record<string, unknown> {
  const given: Record<string, unknown> = {
    entries: { root: ["bob"] },
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
  const connection = {
    host: host.host,
    port: host.port,
    user: host.user,
    privateKeyPath: host.privateKeyPath,
    hostKey: host.hostKey,
  };
  said();
  expect(await failures(kind, inputsOf(kind, args, connection, { preview: true }))).toBe("");
  const words = said();
  if (!name.includes("triggers")) expect(words).toContain("Not known yet, so not shown: ");
});
