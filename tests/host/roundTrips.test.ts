/**
 * Round trips of the steps, counted and not timed. A step whose change is in files takes three in its write section: the look
 * with the request for the section, the second look with the record and the changes, and the end with the settled record.
 */
import { forgetPlans } from "../../provider/driver/overlay";
import { poolCounters } from "../../provider/host/pool";
import { startHost, type TestHost } from "../../testing";
import { connectionTo, installPostfix, sh } from "../preview/server";
import { checked, inputsOf, type Made, remove } from "./provider";
import * as provider from "../../provider";

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ release: "7.8" });
  await installPostfix(host);
});
afterAll(() => host.stop());

/** A step, and what there is to be done for it. */
interface Case {
  readonly kind: string;
  readonly args: Record<string, unknown>;
  /** Leaves the host so that there is something to do. */
  readonly before?: string;
  /** Those of its check: a judgement of the configuration asks for what it names. */
  readonly check: number;
  /** Those of the action that follows the files: a database is built, a running Postfix is told. */
  readonly more?: number;
  readonly moreUndone?: number;
}

const CASES: readonly Case[] = [
  {
    kind: "ChrootResolv",
    args: {},
    before: "rm /var/spool/postfix/etc/resolv.conf",
    check: 1,
    moreUndone: 1,
  },
  { kind: "RcConfLocal", args: {}, check: 1 },
  { kind: "MailerConf", args: {}, check: 1 },
  {
    kind: "MasterCf",
    args: { services: { "smtp/inet": { maxproc: "20" } } },
    check: 3,
    moreUndone: 1,
  },
  {
    kind: "MainCf",
    args: { parameters: { myhostname: "mx.example.org" } },
    check: 3,
    moreUndone: 1,
  },
  { kind: "Aliases", args: { entries: { root: ["alice"] } }, check: 2, more: 4 },
];

async function roundTrips<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const before = poolCounters().roundTrips;
  const result = await work();
  return [result, poolCounters().roundTrips - before];
}

test.each(CASES)(
  "$kind takes three in its write section and three to be undone, besides those of its action",
  async ({ kind, args, before = "", check, more = 0, moreUndone = 0 }) => {
    forgetPlans();
    if (before !== "") await sh(host, before);
    const news = inputsOf(kind, args, connectionTo(host));
    const [inputs, asked] = await roundTrips(() => checked(kind, {}, news));
    const [{ id, outs }, made] = await roundTrips(() => provider.create(kind, inputs));
    const one: Made = { kind, id, news, props: outs, inputs };
    const [, undone] = await roundTrips(() => remove(one));
    expect({ asked, made, undone }).toEqual({
      asked: check,
      made: 3 + more,
      undone: 3 + moreUndone,
    });
  },
);
