/**
 * What Postfix answers is what the roles promise, for generated sets of roles and addresses: strangers send to no domain
 * but those of the roles, recipients that there are are taken, and all others are refused while the sender waits. Who has
 * logged in sends to any domain, and with no address of somebody else.
 */
import fc from "fast-check";
import type { Contribution } from "../../components/roles/contribution";
import { mailRelay } from "../../components/roles/mailRelay";
import { smarthost } from "../../components/roles/smarthost";
import { submission } from "../../components/roles/submission";
import { virtualAccounts } from "../../components/roles/virtualAccounts";
import { forgetPlans } from "../../provider/driver/overlay";
import { startDovecot, type TestHost } from "../../testing";
import { CertificateMaker } from "../certificates";
import { connectionTo, RELEASES } from "../preview/server";
import { create, inputsOf, type Made, remove, update } from "./provider";
import { roleSteps, serverFor } from "./roleSteps";
import { plain, SmtpClient } from "./smtp";

/** The addresses of clients: the host itself, one in a network that a relay may trust, and one that nobody trusts. */
const CLIENTS = { host: "127.0.0.1", inside: "10.1.0.9", stranger: "192.0.2.9" } as const;
type Client = keyof typeof CLIENTS;

interface Setup {
  readonly relay?: {
    readonly domains: Readonly<Record<string, readonly string[] | "any">>;
    readonly trustsInside: boolean;
  };
  readonly accounts?: Readonly<
    Record<string, { readonly accounts: readonly string[]; readonly aliases: readonly string[] }>
  >;
  readonly smarthost: boolean;
  readonly submission: boolean;
}

const LOCALS = ["alice", "berta", "carla", "info"] as const;
const RELAYED = ["one.example", "two.example"];
const VIRTUAL = ["alpha.example", "beta.example"];

const setups: fc.Arbitrary<Setup> = fc
  .record(
    {
      relay: fc.record({
        domains: fc.dictionary(
          fc.constantFrom(...RELAYED),
          fc.oneof(fc.subarray([...LOCALS, "postmaster"]), fc.constant("any" as const)),
          { minKeys: 1 },
        ),
        trustsInside: fc.boolean(),
      }),
      accounts: fc.dictionary(
        fc.constantFrom(...VIRTUAL),
        fc.record({
          accounts: fc.subarray([...LOCALS], { minLength: 1 }),
          aliases: fc.subarray(["sales", "*", "postmaster"]),
        }),
        { minKeys: 1 },
      ),
      smarthost: fc.boolean(),
      submission: fc.boolean(),
    },
    { requiredKeys: ["smarthost", "submission"] },
  )
  // Without a role, nobody has promised anything.
  .filter((setup) => setup.smarthost || setup.submission || Object.keys(setup).length > 2);

interface Attempt {
  readonly client: Client;
  readonly port: 25 | 587;
  readonly recipient: string;
  /** On port 587: alice has logged in, and sends with this address. */
  readonly sender?: string;
}

const PASSWORD = "of alice";

/** The addresses that alice may send with, and others. */
const SENDERS = { "alice@myhost.example.org": ["alice"], "@own.example": ["alice"] } as const;
const OWN = /^(alice@myhost\.example\.org|.*@own\.example)?$/i;
const senders = fc.constantFrom(
  ...["alice@myhost.example.org", "ALICE@MyHost.example.org", "info@own.example", ""],
  ...["root@myhost.example.org", "someone@elsewhere.example", "alice@one.example"],
);

/** Addresses by which a host that trusts a part of them could be made to pass mail on. */
const TRICKS = [
  "victim%elsewhere.example@one.example",
  "elsewhere.example!victim@one.example",
  '"victim@elsewhere.example"@one.example',
  "@one.example:victim@elsewhere.example",
  "victim%elsewhere.example@myhost.example.org",
  '"victim@elsewhere.example"@alpha.example',
] as const;

const attempts: fc.Arbitrary<Attempt> = fc.record(
  {
    client: fc.constantFrom<Client>("host", "inside", "stranger", "stranger"),
    port: fc.constantFrom(25, 25, 25, 587, 587),
    recipient: fc.oneof(
      { weight: 8, arbitrary: address() },
      { weight: 1, arbitrary: fc.constantFrom<string>(...TRICKS) },
    ),
    sender: senders,
  },
  { requiredKeys: ["client", "port", "recipient"] },
);

function address(): fc.Arbitrary<string> {
  const local = fc.constantFrom(...LOCALS, "sales", "postmaster", "root", "mallory");
  const domain = fc.constantFrom(
    ...RELAYED,
    ...VIRTUAL,
    ...["sub.one.example", "sub.alpha.example", "elsewhere.example", "myhost.example.org"],
  );
  const shout = fc.constantFrom(
    (text: string) => text,
    (text: string) => text.toUpperCase(),
  );
  return fc.tuple(local, domain, shout).map(([name, at, spelt]) => spelt(`${name}@${at}`));
}

/** Does the host take this mail, by what the roles promise? `undefined` where they promise nothing. */
function promised(setup: Setup, attempt: Attempt): boolean | undefined {
  const { client, port, recipient, sender } = attempt;
  if (port === 587 && (sender === undefined || !OWN.test(sender))) return false;
  const isTrusted =
    port === 587 ||
    client === "host" ||
    (client === "inside" && setup.relay?.trustsInside === true);
  if ((TRICKS as readonly string[]).includes(recipient)) return isTrusted ? undefined : false;
  const [local = "", domain = ""] = recipient.toLowerCase().split("@");
  if (domain === "myhost.example.org")
    // Users of the host and its aliases.
    return ["alice", "root", "postmaster"].includes(local);
  const relayed = setup.relay?.domains[domain];
  if (relayed !== undefined)
    return relayed === "any" || relayed.includes(local) || ["root", "postmaster"].includes(local);
  const virtual = setup.accounts?.[domain];
  if (virtual !== undefined)
    return [...virtual.accounts, ...virtual.aliases, "postmaster"].some((name) =>
      [local, "*"].includes(name),
    );
  return isTrusted;
}

const maker = new CertificateMaker();
afterAll(() => maker.clean());
const certificate = maker.issue({ name: "myhost.example.org", keyKind: "rsa" });

function contributions(setup: Setup): readonly Contribution[] {
  const { relay, accounts } = setup;
  const perDomain = <A, B>(all: Readonly<Record<string, A>>, each: (one: A) => B) =>
    Object.fromEntries(Object.entries(all).map(([name, one]) => [name, each(one)]));
  return [
    ...(relay === undefined
      ? []
      : [
          mailRelay({
            domains: perDomain(relay.domains, (recipients) => ({
              nextHop: "[10.1.0.2]",
              recipients,
            })),
            networks: relay.trustsInside ? ["10.1.0.0/24"] : [],
          }),
        ]),
    ...(accounts === undefined
      ? []
      : [
          virtualAccounts({
            domains: perDomain(accounts, ({ accounts: names, aliases }) => ({
              accounts: names,
              aliases: Object.fromEntries(aliases.map((name) => [name, [names[0] ?? ""]])),
            })),
          }),
        ]),
    ...(setup.submission
      ? [
          submission({
            certificate: {
              certificatePath: "/etc/ssl/myhost.pem",
              privateKeyPath: "/etc/ssl/private/myhost.key",
              certificate: certificate.certificate,
              privateKey: certificate.key,
            },
            senders: SENDERS,
          }),
        ]
      : []),
    ...(setup.smarthost ? [smarthost({ host: "smtp.example.net" })] : []),
  ];
}

/** One dialogue, to the recipient: is the mail taken? */
async function isTaken(
  host: TestHost,
  { client, port, recipient, sender }: Attempt,
): Promise<boolean> {
  const visitor = new SmtpClient(await host.dial(port, { from: CLIENTS[client], to: "127.0.0.1" }));
  try {
    expect(await visitor.reply()).toMatch(/^220 /);
    expect(await visitor.ask("EHLO client.example")).toMatch(/^250/);
    const isLogin = port === 587 && sender !== undefined;
    if (isLogin) {
      expect(await visitor.ask("STARTTLS")).toMatch(/^220 /);
      await visitor.beginTls({ ca: certificate.certificate, servername: "myhost.example.org" });
      expect(await visitor.ask("EHLO client.example")).toMatch(/^250/);
      expect(await visitor.ask(plain("alice", PASSWORD))).toMatch(/^235 /);
    }
    if (!(await visitor.ask(`MAIL FROM:<${isLogin ? sender : ""}>`)).startsWith("250"))
      return false;
    const answer = await visitor.ask(`RCPT TO:<${recipient}>`);
    // A fault of the server is no refusal.
    expect(answer).not.toMatch(/^4(?!54|50 4\.1\.1)/);
    return answer.startsWith("250");
  } finally {
    visitor.leave();
  }
}

describe.each(RELEASES)("OpenBSD %s", (release) => {
  let host: TestHost;
  let service: Made;
  let dialogues = 0;

  beforeAll(async () => {
    ({ host, service } = await serverFor(release, [], ["dovecot"]));
    await startDovecot(host, { users: { alice: PASSWORD } });
  });
  afterAll(() => host.stop());

  async function serve(made: readonly Made[]): Promise<void> {
    const triggers = made.map(({ props }) => props["revision"]);
    await update(service, inputsOf("PostfixService", { triggers }, connectionTo(host)));
  }

  test("holds to what the roles promise, in 45 dialogues with each of 8 sets of roles", async () => {
    await fc.assert(
      fc.asyncProperty(
        setups,
        fc.array(attempts, { minLength: 45, maxLength: 45 }),
        async (setup, all) => {
          forgetPlans();
          const made: Made[] = [];
          try {
            for (const { kind, name, args } of await roleSteps(contributions(setup)))
              made.push(await create(kind, inputsOf(kind, args, connectionTo(host), { name })));
            await serve(made);
            for (const attempt of all) {
              const expected = promised(setup, attempt);
              if (attempt.port === 587 && !setup.submission) continue;
              if (expected === undefined) continue;
              dialogues += 1;
              expect([attempt, await isTaken(host, attempt)]).toEqual([attempt, expected]);
            }
          } finally {
            for (const one of made.reverse()) await remove(one);
          }
        },
      ),
      { numRuns: 8, endOnFailure: true, seed: Number(process.env["PROPERTY_SEED"] ?? 1) },
    );
    process.stderr.write(`roles on ${release}: ${dialogues} dialogues as promised\n`);
    expect(dialogues).toBeGreaterThan(200);
  });
});
