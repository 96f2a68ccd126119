/** A candidate that all checks let pass and that Postfix cannot serve by: what served before comes back. */
import { forgetPlans } from "../../provider/driver/overlay";
import { connect } from "../../provider/host/pool";
import { startHost, type Release, type TestHost } from "../../testing";
import { bannerOf, connectionTo, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import { create, differs, inputsOf, type Made, refresh, remove, said, update } from "./provider";

const BASE = { ...PARAMETERS, inet_interfaces: "127.0.0.1" };

/** smtpd ends at every client, because nobody answers at the socket: no check looks there. */
const NO_SASL = {
  ...BASE,
  smtpd_sasl_auth_enable: "yes",
  smtpd_sasl_type: "dovecot",
  smtpd_sasl_path: "private/nobody",
};

/** A port that somebody else holds: master(8) cannot start. */
const TAKEN = { ...BASE, inet_interfaces: "127.0.0.1, ::1" };

/** Somebody else on port 25 of ::1. */
const HOLD = `perl -MSocket=:all -e '
  socket my $s, AF_INET6, SOCK_STREAM, 0 or die $!;
  bind $s, pack_sockaddr_in6(25, inet_pton(AF_INET6, "::1")) or die $!;
  listen $s, 5;
  exit if fork;
  $0 = "holder";
  close $_ for *STDIN, *STDOUT, *STDERR;
  sleep 600'`;

interface Server {
  readonly host: TestHost;
  /** main.cf as the package brings it. */
  readonly original: string;
  readonly mainCf: Made;
  readonly service: Made;
}

async function server(release: Release): Promise<Server> {
  const host = await startHost({ release });
  const connection = connectionTo(host);
  forgetPlans();
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(release), connection));
  const original = await mainCfOf(host);
  const mainCf = await create("MainCf", inputsOf("MainCf", { parameters: BASE }, connection));
  await create("BaseMailer", inputsOf("BaseMailer", {}, connection));
  const service = await create("PostfixService", inputsOf("PostfixService", {}, connection));
  return { host, original, mainCf, service };
}

/** An `up`: both are checked and updated in their order; what the service says when it fails. */
async function up({ host, mainCf, service }: Server, parameters: object): Promise<string> {
  const connection = connectionTo(host);
  forgetPlans();
  const news = inputsOf("MainCf", { parameters }, connection);
  if (await differs(mainCf, news)) await update(mainCf, news);
  const triggers = inputsOf("PostfixService", { triggers: [mainCf.props["revision"]] }, connection);
  if (!(await differs(service, triggers))) return "";
  try {
    await update(service, triggers);
    return "";
  } catch (error) {
    const { message, properties } = error as Error & { properties?: Record<string, unknown> };
    // A line that is cut in the check leaves the state as it was.
    if (properties) service.props = properties;
    return message;
  }
}

/** What the program says of the service, with the triggers of the last `up`. */
function sameAsLast({ inputs, news }: Made): Made["news"] {
  return { ...news, triggers: inputs["triggers"] };
}

/** How often Postfix was started or reloaded, by its own log. */
async function counted(host: TestHost): Promise<{ started: number; reloaded: number }> {
  const log = await sh(host, "cat /var/log/maillog");
  return {
    started: (log.match(/daemon started --/g) ?? []).length,
    reloaded: (log.match(/master\[\d+\]: reload --/g) ?? []).length,
  };
}

const mainCfOf = (host: TestHost): Promise<string> => sh(host, "cat /etc/postfix/main.cf");
const recordOf = async (host: TestHost): Promise<Record<string, unknown>> =>
  JSON.parse(await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json")) as Record<
    string,
    unknown
  >;

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let one: Server;
  let bytes: number | undefined;
  beforeAll(async () => {
    one = await server(release);
  });
  afterAll(() => one.host.stop());

  test("what only a reload needs is one reload, what needs a restart is one restart, and nothing is nothing", async () => {
    const { host } = one;
    const before = await counted(host);
    expect(await up(one, { ...BASE, biff: "no", smtpd_helo_required: "yes" })).toBe("");
    const reloaded = await counted(host);
    expect(reloaded).toEqual({ started: before.started, reloaded: before.reloaded + 1 });
    expect(await up(one, { ...BASE, inet_protocols: "ipv4", biff: "yes" })).toBe("");
    const restarted = await counted(host);
    expect(restarted).toEqual({ started: before.started + 1, reloaded: reloaded.reloaded });
    expect(await up(one, { ...BASE, inet_protocols: "ipv4", biff: "yes" })).toBe("");
    expect(await counted(host)).toEqual(restarted);
    expect(await up(one, BASE)).toBe("");
    expect(await recordOf(host)).not.toHaveProperty("served");
  });

  test.each([
    ["reload", NO_SASL, /smtpd\[\d+\]: fatal: .*SASL|smtpd pid \d+ exit status 1/],
    ["restart", TAKEN, /fatal: bind ::1 port 25/],
  ] as const)(
    "a failed %s: what served before serves again, the error says so, and the next up tries again",
    async (way, parameters, log) => {
      const { host, mainCf, service } = one;
      await sh(host, HOLD);
      const before = await mainCfOf(host);
      const greeting = await bannerOf(host);

      const message = await up(one, parameters);
      expect(message).toMatch(new RegExp(`${way} of Postfix failed`));
      expect(message).toMatch(log);
      expect(message).toContain(
        "These files were put back as they were when Postfix last served: /etc/postfix/main.cf",
      );
      expect(await mainCfOf(host)).toBe(before);
      expect(await bannerOf(host)).toBe(greeting);
      expect(await recordOf(host)).not.toHaveProperty("served");

      // The state of before the refresh does not know: nothing is told to be well.
      expect(await up(one, parameters)).toMatch(/was put back.*pulumi up --refresh/s);
      expect(await mainCfOf(host)).toBe(before);
      expect(await bannerOf(host)).toBe(greeting);

      // With a refresh the change is there again, and is tried again.
      await refresh(mainCf);
      await refresh(service);
      const connection = connectionTo(host);
      expect(await differs(mainCf, inputsOf("MainCf", { parameters }, connection))).toBe(true);
      expect(await differs(service, inputsOf("PostfixService", {}, connection))).toBe(true);
      expect(await up(one, parameters)).toMatch(log);
      expect(await mainCfOf(host)).toBe(before);

      // Mended, or taken back, it ends well.
      await refresh(mainCf);
      await refresh(service);
      expect(await up(one, BASE)).toBe("");
      await refresh(service);
      expect(await differs(service, sameAsLast(service))).toBe(false);
      expect(await recordOf(host)).not.toHaveProperty("rolledBack");
      await sh(host, "pkill -f '^perl: holder'");
      expect(await bannerOf(host)).toBe(greeting);
    },
  );

  test("a warning of postfix check is shown, and is no failure", async () => {
    const { host } = one;
    said();
    await sh(host, "touch /etc/postfix/odd && chown _postfix /etc/postfix/odd");
    expect(await up(one, { ...BASE, biff: "no" })).toBe("");
    await sh(host, "rm /etc/postfix/odd");
    expect(said()).toMatch(/PostfixService warning: .*not owned by root: .*\/odd/);
  });

  // Each takes up to a minute, which the requests that are cut wait; the older release is cut at fewer points.
  const parts = release === "7.8" ? [0.3, 0.5, 0.7, 0.85, 0.97] : [0.85];
  test.each(parts)("cut at %d of a roll-back, the next up ends right", async (part) => {
    const { host, mainCf, service } = one;
    // What the test before has left.
    await refresh(mainCf);
    await refresh(service);
    expect(await up(one, BASE)).toBe("");
    const before = await mainCfOf(host);
    const greeting = await bannerOf(host);
    await connect(connectionTo(host) as never);
    await host.line.resetCounters();
    // Measured with the first, and the same for all that follow.
    bytes ??= await (async () => {
      await up(one, NO_SASL);
      const { bytesFromClient } = await host.line.counters();
      await refresh(mainCf);
      await refresh(service);
      await up(one, BASE);
      return bytesFromClient;
    })();
    await connect(connectionTo(host) as never);
    await host.line.cut({ from: "client", bytes: Math.round(part * bytes) });
    await up(one, NO_SASL).catch((error: unknown) => {
      const { properties } = error as { properties?: Record<string, unknown> };
      if (properties) mainCf.props = properties;
    });
    await host.line.cut();
    if (part > 0.7) {
      // Without a refresh it is never told to be well while what serves is not what is wanted.
      const message = await up(one, NO_SASL);
      expect(message).not.toBe("");
      expect(await mainCfOf(host)).toBe(before);
      expect(await bannerOf(host)).toBe(greeting);
    }
    await refresh(mainCf);
    await refresh(service);
    expect(await up(one, BASE)).toBe("");
    expect(await mainCfOf(host)).toBe(before);
    expect(await bannerOf(host)).toBe(greeting);
    await refresh(service);
    expect(await differs(service, sameAsLast(service))).toBe(false);
  });

  test("after a roll-back destroy gives back every byte: what was put back is ours, and so is what the update had dropped", async () => {
    const { host, mainCf, service, original } = one;
    await refresh(mainCf);
    await refresh(service);
    const { smtpd_banner: _, ...others } = NO_SASL;
    expect(await up(one, { ...others, mydomain: "example.net" })).toContain("were put back");
    said();
    await remove(mainCf);
    expect(said()).not.toContain(" else ");
    expect(await mainCfOf(host)).toBe(original);
  });

  test("a first start that fails puts nothing back, and says who serves", async () => {
    const fresh = await startHost({ release });
    try {
      const connection = connectionTo(fresh);
      forgetPlans();
      await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(release), connection));
      await create("MainCf", inputsOf("MainCf", { parameters: PARAMETERS }, connection));
      const wanted = await mainCfOf(fresh);
      const message = await create(
        "PostfixService",
        inputsOf("PostfixService", {}, connection),
      ).then(
        () => "",
        (error: unknown) => (error as Error).message,
      );
      // The base mailer was not stopped: it goes on listening on loopback, and Postfix gets the other addresses.
      expect(message).toMatch(
        /start of Postfix failed: 127\.0\.0\.1 port 25 is answered by another/,
      );
      expect(message).toMatch(/Right now Postfix and (sendmail|smtpd) run\./);
      expect(message).not.toContain("Put back");
      expect(await mainCfOf(fresh)).toBe(wanted);
    } finally {
      await fresh.stop();
    }
  });
});
