/**
 * The dead-man switch: what served before comes back by itself where a change is not proven in time, and never after it was.
 * `WATCH_TIMES=100` cuts the line as often as that; without it three times.
 */
import { forgetPlans } from "../../provider/driver/overlay";
import { connect } from "../../provider/host/pool";
import { startHost, type Release, type TestHost } from "../../testing";
import { bannerOf, connectionTo, packageOf, PARAMETERS, RELEASES, sh } from "../preview/server";
import { create, differs, inputsOf, type Made, refresh, said, update } from "./provider";

const BASE = { ...PARAMETERS, inet_interfaces: "127.0.0.1" };
const WITHIN = 10;
const TIMES = Number(process.env["WATCH_TIMES"] ?? "3");

/** smtpd ends at every client, because nobody answers at the socket: no check looks there. */
const BROKEN = {
  ...BASE,
  smtpd_sasl_auth_enable: "yes",
  smtpd_sasl_type: "dovecot",
  smtpd_sasl_path: "private/nobody",
};

interface Server {
  readonly host: TestHost;
  readonly mainCf: Made;
  service: Made;
}

async function server(release: Release): Promise<Server> {
  const host = await startHost({ release });
  const connection = connectionTo(host);
  forgetPlans();
  await create("PostfixPackage", inputsOf("PostfixPackage", packageOf(release), connection));
  const mainCf = await create("MainCf", inputsOf("MainCf", { parameters: BASE }, connection));
  await create("MailerConf", inputsOf("MailerConf", {}, connection));
  await create("BaseMailer", inputsOf("BaseMailer", {}, connection));
  const service = await create(
    "PostfixService",
    inputsOf("PostfixService", { confirmWithinSeconds: WITHIN }, connection),
  );
  return { host, mainCf, service };
}

/** An `up`; what it fails with. */
async function up(
  { host, mainCf, service }: Server,
  parameters: object,
  meanwhile?: () => Promise<void>,
): Promise<string> {
  const connection = connectionTo(host);
  forgetPlans();
  try {
    const news = inputsOf("MainCf", { parameters }, connection);
    if (await differs(mainCf, news)) await update(mainCf, news);
    const triggers = inputsOf(
      "PostfixService",
      { triggers: [mainCf.props["revision"]], confirmWithinSeconds: WITHIN },
      connection,
    );
    const cut = meanwhile?.();
    await update(service, triggers);
    await cut;
    return "";
  } catch (error) {
    const { message, properties } = error as Error & { properties?: Record<string, unknown> };
    if (properties) service.props = properties;
    return message;
  }
}

/** Cuts the line once Postfix has logged its reload. */
async function cutAfterReload(host: TestHost): Promise<void> {
  const reloads = "grep -c ': reload -- version' /var/log/maillog; true";
  const before = await sh(host, reloads);
  while ((await sh(host, reloads)) === before) await new Promise((done) => setTimeout(done, 20));
  await host.line.admit("refuse");
  await host.line.cut();
}

/** How long, in seconds, until the old configuration serves; `undefined` if it does not within the time and 5 seconds. */
async function untilServed(host: TestHost, mainCf: string): Promise<number | undefined> {
  const began = Date.now();
  for (;;) {
    const passed = (Date.now() - began) / 1000;
    if ((await sh(host, "cat /etc/postfix/main.cf")) === mainCf)
      if (/^220 .*Postfix/.test(await bannerOf(host))) return passed;
    if (passed > WITHIN + 5) return undefined;
    await new Promise((done) => setTimeout(done, 100));
  }
}

const noFolder = (host: TestHost): Promise<string> =>
  sh(host, "ls /var/db/pulumi-openbsd-postfix/watch 2>/dev/null; true");

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let one: Server;
  beforeAll(async () => {
    one = await server(release);
  });
  afterAll(() => one.host.stop());
  beforeEach(() => void said());

  test(
    "the line cut after a reload that fails: in time the old configuration serves, and the next run says so",
    async () => {
      const { host, mainCf } = one;
      const before = await sh(host, "cat /etc/postfix/main.cf");
      const times: (number | undefined)[] = [];
      for (let time = 0; time < TIMES; time += 1) {
        await connect(connectionTo(host) as never);
        let cut: Promise<void> | undefined;
        const failed = up(one, BROKEN, () => (cut = cutAfterReload(host)));
        while (cut === undefined) await new Promise((done) => setTimeout(done, 20));
        await cut;
        times.push(await untilServed(host, before));
        await host.line.admit("open");
        await failed;
        await refresh(mainCf);
        await refresh(one.service);
        said();
        expect(await up(one, BASE)).toBe("");
        expect(said()).toMatch(
          /An earlier run did not prove in time .*went back to what served before/,
        );
        await refresh(one.service);
        expect(await noFolder(host)).toBe("");
      }
      if (TIMES > 3)
        console.log(`served again after ${times.map((one) => one?.toFixed(1)).join(" ")} s`);
      expect(times.filter((one) => one === undefined)).toEqual([]);
    },
    300_000 + TIMES * 30_000,
  );

  test("a confirmed change is never put back", async () => {
    const { host } = one;
    expect(await up(one, { ...BASE, biff: "no" })).toBe("");
    const wanted = await sh(host, "cat /etc/postfix/main.cf");
    expect(await noFolder(host)).toBe("");
    await sh(host, `sleep ${WITHIN + 2}`);
    expect(await sh(host, "cat /etc/postfix/main.cf")).toBe(wanted);
    expect(await up(one, BASE)).toBe("");
  });
});
