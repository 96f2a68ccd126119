/** The parameters that are known before a host has a Postfix that could be asked: in the editor, and in a first preview. */
import fc from "fast-check";
import type { MainCfParameters } from "../../components";
import { candidateOf } from "../../provider/judge/candidate";
import { KNOWN_PARAMETERS } from "../../provider/postfix/knownParameters";
import { nameComplaints, unsetComplaints, valueComplaints } from "../../provider/judge/parameters";

const NO_POSTFIX = {
  isInstalled: false,
  areNamesKnown: false,
  defaults: new Map<string, string>(),
  tableTypes: new Set<string>(),
  sasl: undefined,
  daemons: new Set<string>(),
};

/** What is said of a main.cf where there is no Postfix yet. */
function said(main: string): string[] {
  const candidate = candidateOf(main, "", NO_POSTFIX);
  return [
    ...nameComplaints(candidate, { userDefined: [] }),
    ...unsetComplaints(candidate),
    ...valueComplaints(candidate),
  ].map(({ reason }) => reason);
}

const names = Object.keys(KNOWN_PARAMETERS).filter((name) => name.length > 8);

test("no known name is complained of", () => {
  const text = names.map((name) => `${name} = $mydomain\n`).join("");
  expect(said(text)).toEqual([]);
});

test("a long name with a letter left out is taken for the slip that it is", () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(), (name, at) => {
      const left = name.slice(0, at % name.length) + name.slice((at % name.length) + 1);
      fc.pre(!(left in KNOWN_PARAMETERS));
      expect(said(`${left} = $mydomain\n`).join()).toMatch(/: did you mean \w+\?/);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["what a later Postfix may bring", "some_parameter_of_tomorrow = 1\n", undefined],
  ["a parameter of a transport that may come", "slow_destination_rate_delay = 1s\n", undefined],
  ["a restriction class", "smtpd_restriction_classes = vips\nvips = permit\n", undefined],
  ["a hyphen for an underscore", "message_size-limit = 1\n", "did you mean message_size_limit?"],
  ["a reference that is misspelt", "myorigin = $mydomian\n", "did you mean mydomain?"],
  ["no yes or no", "biff = nope\n", 'biff takes yes or no, not "nope"'],
  ["no number", "message_size_limit = lots\n", 'message_size_limit takes a number, not "lots"'],
  ["no time", "maximal_queue_lifetime = soon\n", "maximal_queue_lifetime takes a number with"],
])("before there is a Postfix: %s", (_, text, reason) => {
  const complaints = said(text);
  if (reason === undefined) expect(complaints).toEqual([]);
  else expect(complaints.join("\n")).toContain(reason);
});

test("an editor knows what each parameter takes, and leaves names that it does not know alone", () => {
  const right: MainCfParameters = {
    myhostname: "mx1.example.org",
    biff: false,
    soft_bounce: "no",
    strict_rfc821_envelopes: "${stress?{no}:{yes}}",
    message_size_limit: 20_480_000,
    mailbox_size_limit: "0",
    maximal_queue_lifetime: "5d",
    relayhost: null,
    slow_destination_rate_delay: "1s",
    "2bounce_notice_recipient": "postmaster",
  };
  const wrong: MainCfParameters = {
    // @ts-expect-error It takes yes or no.
    biff: "nope",
    // @ts-expect-error It takes a number.
    message_size_limit: "lots",
    // @ts-expect-error A time has one of the units.
    maximal_queue_lifetime: "5 days",
  };
  expect(Object.keys(right).length + Object.keys(wrong).length).toBe(13);
});
