/** Files too large for a message between the two sides: every operation keeps them to the byte, or refuses them by name. */
import { startHost, type TestHost } from "../../testing";
import { connectionTo, packageOf, sh } from "../preview/server";
import { create, failures, inputsOf, remove } from "./provider";

const RELEASE = "7.8";
const VIRTUAL = "/etc/postfix/virtual";
const RECORD = "/var/db/pulumi-openbsd-postfix";

let host: TestHost;

const news = (kind: string, args: Record<string, unknown>): Record<string, unknown> =>
  inputsOf(kind, args, connectionTo(host));

const table = (args: Record<string, unknown> = {}): Record<string, unknown> =>
  news("LookupTable", { path: VIRTUAL, entries: { "new@example.org": "alice" }, ...args });

/** Mode, owner and digest of files, one line each; a file that is not there has none. */
const seen = (...paths: readonly string[]): Promise<string> =>
  sh(
    host,
    `for file in ${paths.join(" ")}; do test -e $file || continue; stat -f '%N %Su:%Sg %Lp %z' $file; ` +
      `perl -MDigest::SHA -e 'print Digest::SHA->new(256)->addfile($ARGV[0], "b")->hexdigest, "\\n"' $file; done`,
  );

/** Makes a text of so many lines, of about 60 bytes each. */
const fill = (path: string, lines: number): Promise<string> =>
  sh(
    host,
    `perl -e 'for (1 .. ${lines}) { printf "user%d\\@example%d.example.org\\tmailbox%d\\@store.example.net\\n", $_, $_ % 97, $_ }' > ${path}`,
  );

beforeAll(async () => {
  host = await startHost({ release: RELEASE });
  await create("PostfixPackage", news("PostfixPackage", packageOf(RELEASE)));
});
afterAll(() => host.stop());
afterEach(() => sh(host, `rm -f ${VIRTUAL} ${VIRTUAL}.db`));

test("a table of 200 MB is refused by name, with its size, the limit and the way out, and stays as it is with its database", async () => {
  await fill(VIRTUAL, 3_600_000);
  await sh(host, `dd if=/dev/urandom of=${VIRTUAL}.db bs=1048576 count=21 2>/dev/null`);
  const before = await seen(VIRTUAL, `${VIRTUAL}.db`);
  const refusal =
    /\/etc\/postfix\/virtual: it has 2\d\d(\.\d)? MB, and a file of more than 64 MB is neither read nor changed\. Split it into several files/;
  for (const args of [{}, { mode: "exact" }, { entries: undefined, text: "a b\n" }])
    expect(await failures("LookupTable", table(args))).toMatch(refusal);
  await expect(create("LookupTable", table())).rejects.toThrow(refusal);
  expect(await seen(VIRTUAL, `${VIRTUAL}.db`)).toBe(before);

  // One that has grown since the apply is left by destroy.
  await sh(host, `mv ${VIRTUAL} /root/large; mv ${VIRTUAL}.db /root/large.db`);
  const made = await create("LookupTable", table());
  await sh(host, `mv /root/large ${VIRTUAL}; mv /root/large.db ${VIRTUAL}.db`);
  await expect(remove(made)).rejects.toThrow(refusal);
  expect(await seen(VIRTUAL, `${VIRTUAL}.db`)).toBe(before);
  await sh(host, `rm ${VIRTUAL}`);
  await remove(made);
});

test("of a table of 450,000 lines one entry is set and all others stay; destroy gives the bytes of text and database back", async () => {
  await fill(VIRTUAL, 450_000);
  await sh(
    host,
    `/usr/local/sbin/postmap hash:${VIRTUAL}; chmod 640 ${VIRTUAL}; chmod 600 ${VIRTUAL}.db`,
  );
  const before = await seen(VIRTUAL, `${VIRTUAL}.db`);
  await sh(host, `cp ${VIRTUAL} /root/before`);
  const made = await create("LookupTable", table());
  expect(await sh(host, `diff /root/before ${VIRTUAL} || true`)).toBe(
    "450000a450001\n> new@example.org\talice\n",
  );
  expect(await sh(host, `/usr/local/sbin/postmap -q new@example.org hash:${VIRTUAL}`)).toBe(
    "alice\n",
  );
  // Neither the text nor the database is in the record, and so in no state.
  expect(Number(await sh(host, `stat -f %z ${RECORD}/record.json`))).toBeLessThan(100_000);
  expect(JSON.stringify(made.props).length).toBeLessThan(100_000);
  expect(await sh(host, `stat -f '%Su:%Sg %Lp' ${RECORD}/copies ${RECORD}/copies/*`)).toBe(
    "root:wheel 700\nroot:wheel 600\nroot:wheel 600\n",
  );
  await remove(made);
  expect(await seen(VIRTUAL, `${VIRTUAL}.db`)).toBe(before);
  expect(await sh(host, `ls ${RECORD} /root/before`)).not.toContain("copies");
}, 600_000);

test("a database is never carried: one of 21 MB is replaced and put back, also by the record of an earlier version", async () => {
  const path = `${VIRTUAL}.db`;
  await sh(
    host,
    `dd if=/dev/urandom of=${path} bs=1048576 count=21 2>/dev/null; chmod 640 ${path}`,
  );
  const before = await seen(path);
  const made = await create("LookupTable", table());
  expect(await seen(path)).not.toBe(before);
  await remove(made);
  expect(await seen(path)).toBe(before);

  await sh(host, `printf 'the old database' > ${path}; chmod 640 ${path}`);
  const small = await seen(path);
  const again = await create("LookupTable", table());
  const earlier = Buffer.from("the old database").toString("base64");
  await sh(
    host,
    `perl -0pi -e 's/"copy": "[0-9a-f]{64}",\\s*"size": \\d+/"base64": "${earlier}"/ or die; s/.*/{/' ${RECORD}/record.json; rm -r ${RECORD}/copies`,
  );
  again.props["previous"] = { files: {}, keys: {} };
  await remove(again);
  expect(await seen(path)).toBe(small);
});

test("a database whose copy is gone is left, and the error says which copy it was", async () => {
  await sh(host, `printf 'the old database' > ${VIRTUAL}.db`);
  const made = await create("LookupTable", table());
  await sh(host, `mkdir /root/kept; mv ${RECORD}/copies/* /root/kept`);
  const before = await seen(VIRTUAL, `${VIRTUAL}.db`);
  await expect(remove(made)).rejects.toThrow(/there is no file .*\/copies\/[0-9a-f]{64}/);
  expect(await seen(`${VIRTUAL}.db`)).toBe(before.split("\n").slice(-3).join("\n"));
  await sh(host, `mkdir -p ${RECORD}/copies; mv /root/kept/* ${RECORD}/copies; rmdir /root/kept`);
  await remove(made);
  expect(await sh(host, `cat ${VIRTUAL}.db`)).toBe("the old database");
});

test("a destroy that was cut off at its very end is finished by the next one: nothing of the record stays", async () => {
  const bare = await startHost();
  try {
    const args = { variables: { ntpd_flags: "-s" }, boot: "unchanged" };
    const made = await create("RcConfLocal", inputsOf("RcConfLocal", args, connectionTo(bare)));
    await remove(made);
    await sh(bare, `test ! -e ${RECORD}`);
    await sh(
      bare,
      `umask 077; mkdir -p ${RECORD}/copies ${RECORD}/jobs/.new-x; echo x > ${RECORD}/lock`,
    );
    await sh(bare, `echo x > ${RECORD}/copies/0; echo /etc/.x > ${RECORD}/temporary`);
    await remove(made);
    await sh(bare, `ls -R ${RECORD} 2>/dev/null; test ! -e ${RECORD}`);
  } finally {
    await bare.stop();
  }
});

test("an rc.conf.local of 20 MB keeps its text", async () => {
  const path = "/etc/rc.conf.local";
  await sh(host, `cp -p ${path} /root/rc 2>/dev/null || :`);
  await sh(host, `perl -e 'print "# ", "x" x 60, "\\n" for 1 .. 333_000' > ${path}`);
  const before = await seen(path);
  const made = await create(
    "RcConfLocal",
    news("RcConfLocal", {
      boot: "unchanged",
      logSocket: false,
      variables: { ntpd_flags: "-s" },
    }),
  );
  expect(await sh(host, `wc -l < ${path}; tail -1 ${path}`)).toMatch(
    /^\s*333001\nntpd_flags="-s"\n$/,
  );
  await remove(made);
  expect(await seen(path)).toBe(before);
  await sh(host, `rm ${path}; test ! -e /root/rc || mv /root/rc ${path}`);
});
