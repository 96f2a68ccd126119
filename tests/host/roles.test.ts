/**
 * Each role, and all roles of a server together, are held to the laws of steps, on a host of each release that differs:
 * a preview changes nothing, what is applied is applied once, the drift of each part is seen and repaired, and undoing
 * gives back every byte. tools/guide-table.mjs reads the titles.
 */
import type { Contribution } from "../../components/roles/contribution";
import { mailRelay } from "../../components/roles/mailRelay";
import { smarthost } from "../../components/roles/smarthost";
import { submission } from "../../components/roles/submission";
import { virtualAccounts } from "../../components/roles/virtualAccounts";
import { forgetPlans } from "../../provider/driver/overlay";
import { diffTrees, startHost, type TestHost, type Tree } from "../../testing";
import { CertificateMaker } from "../certificates";
import { connectionTo, sh } from "../preview/server";
import {
  checked,
  create,
  differs,
  failures,
  inputsOf,
  type Made,
  refresh,
  remove,
  said,
  update,
} from "./provider";
import { type RoleStep, roleSteps, serverFor } from "./roleSteps";

/** The components, and the roles that each is of. */
const SETS: Readonly<Record<string, () => readonly Contribution[]>> = {
  MailRelay: () => [relay()],
  Smarthost: () => [relayhost()],
  VirtualAccounts: () => [accounts(false)],
  Submission: () => [logins(false)],
  PostfixServer: () => [relay(), accounts(true), logins(true), relayhost()],
};

const maker = new CertificateMaker();
afterAll(() => maker.clean());

function relay(): Contribution {
  return mailRelay({
    domains: {
      "example.com": { nextHop: "[10.1.0.2]", recipients: ["alice", "bob@example.com"] },
      "example.net": { nextHop: "mx.example.net:26", recipients: "any" },
    },
    networks: ["10.1.0.0/24"],
    messageSizeLimit: 20_480_000,
  });
}

function relayhost(): Contribution {
  return smarthost({
    host: "smtp.example.net",
    login: { user: "mx", password: "canary-of-a-password" },
  });
}

function accounts(logins: boolean): Contribution {
  return virtualAccounts(
    {
      domains: {
        "alpha.example.org": {
          accounts: ["alfred", "berta"],
          aliases: { info: ["alfred", "someone@example.net"], "*": ["berta"] },
        },
      },
    },
    { logins },
  );
}

function logins(accounts: boolean): Contribution {
  const { certificate, key } = maker.issue({ name: "myhost.example.org", keyKind: "rsa" });
  return submission(
    {
      certificate: {
        certificatePath: "/etc/ssl/myhost.pem",
        privateKeyPath: "/etc/ssl/private/myhost.key",
        certificate,
        privateKey: key,
        names: ["myhost.example.org"],
      },
      senders: { "alice@example.org": ["alice"] },
    },
    { accounts },
  );
}

/** What is not the roles': logs, and the state of a Postfix that was reloaded. */
function ours(paths: readonly string[]): string[] {
  return paths.filter(
    (path) =>
      !/^\/var\/(log|db\/pulumi-openbsd-postfix|postfix|spool\/postfix\/(pid|private|public))/.test(
        path,
      ),
  );
}

describe.each(["4.7", "5.6", "5.7", "7.8"] as const)("OpenBSD %s", (release) => {
  let host: TestHost;
  let service: Made;

  beforeAll(async () => {
    ({ host, service } = await serverFor(release, ["sasl2"]));
  });
  afterAll(() => host.stop());

  const news = ({ kind, name, args }: RoleStep, preview = false): Record<string, unknown> =>
    // One MainCf has one name in all sets, and others than that of the server before.
    inputsOf(kind, args, connectionTo(host), { preview, name: `mx-${name}` });

  const reloads = async (): Promise<number> =>
    Number(await sh(host, "grep -c 'postfix/master.*: reload' /var/log/maillog || true"));

  /** Tells Postfix, as the server's last step does. */
  async function serve(made: readonly Made[]): Promise<void> {
    const triggers = made.map(({ props }) => props["revision"]);
    await update(service, inputsOf("PostfixService", { triggers }, connectionTo(host)));
  }

  describe.each(Object.keys(SETS))("%s", (set) => {
    let steps: readonly RoleStep[] = [];
    let before: Tree;
    const made: Made[] = [];

    test("apply: it is previewed without a change of the host, and applied with one reload", async () => {
      steps = await roleSteps(SETS[set]?.() ?? []);
      before = await host.snapshot();
      forgetPlans();
      for (const step of steps) await checked(step.kind, {}, news(step, true));
      expect(diffTrees(before, await host.snapshot())).toEqual([]);
      forgetPlans();
      said();
      for (const step of steps) made.push(await create(step.kind, news(step)));
      expect(said()).not.toContain("canary");
      const count = await reloads();
      await serve(made);
      expect(await reloads()).toBe(count + 1);
      for (const one of made) {
        await refresh(one);
        expect(await differs(one)).toBe(false);
      }
    });

    test("no-op: it is applied again without a write", async () => {
      const again = await host.snapshot();
      const count = await reloads();
      for (const one of made) await update(one);
      await serve(made);
      expect(ours(diffTrees(again, await host.snapshot()))).toEqual([]);
      expect(await reloads()).toBe(count);
    });

    test("drift: each part shows it, and repairs it", async () => {
      for (const [at, { drift, name }] of steps.entries()) {
        const one = made[at] as Made;
        await sh(host, drift);
        await refresh(one);
        expect([name, await differs(one)]).toEqual([name, true]);
        await update(one);
        await refresh(one);
        expect([name, await differs(one)]).toEqual([name, false]);
      }
      await serve(made);
    });

    test("undo: it is undone to the byte", async () => {
      for (const one of [...made].reverse()) {
        await refresh(one);
        await remove(one);
      }
      await serve([]);
      expect(ours(diffTrees(before, await host.snapshot()))).toEqual([]);
    });
  });
});

test("a login to a smarthost needs a flavor, and the preview names it", async () => {
  const host = await startHost({ release: "7.8" });
  try {
    await create("PostfixPackage", inputsOf("PostfixPackage", {}, connectionTo(host)));
    const steps = await roleSteps([relayhost()]);
    const main = steps.find(({ kind }) => kind === "MainCf");
    const news = inputsOf("MainCf", main?.args ?? {}, connectionTo(host), { preview: true });
    expect(await failures("MainCf", news)).toContain(
      'smtp_sasl_auth_enable: this Postfix has no SASL of the type "cyrus"',
    );
  } finally {
    await host.stop();
  }
});
