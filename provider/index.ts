/**
 * What runs in the provider process. The text of a provider in an old state calls these methods by the kind's name:
 * their names and shapes are frozen for ever; only additions are possible.
 */
import * as driver from "./driver";
import type { AnyKind } from "./resource";
import { aliases } from "./resources/aliases";
import { baseMailer } from "./resources/baseMailer";
import { chrootResolv } from "./resources/chrootResolv";
import { mailCheck } from "./resources/mailCheck";
import { mailerConf } from "./resources/mailerConf";
import { mainCf } from "./resources/mainCf";
import { postfixPackage } from "./resources/postfixPackage";
import { postfixService } from "./resources/postfixService";
import { rcConfLocal } from "./resources/rcConfLocal";
import { rootCrontab } from "./resources/rootCrontab";

type Values = Readonly<Record<string, unknown>>;

/** Every kind, by the name under which states know it. */
const kinds = Object.fromEntries(
  [
    aliases,
    baseMailer,
    chrootResolv,
    mailCheck,
    mailerConf,
    mainCf,
    postfixPackage,
    postfixService,
    rcConfLocal,
    rootCrontab,
  ].map((kind) => [kind.name, kind as unknown as AnyKind]),
);

function kindNamed(name: string): AnyKind {
  const kind = kinds[name];
  if (!kind)
    throw new Error(
      `pulumi-openbsd-postfix has no resource ${name}: the state was written by a newer version. Upgrade the package in this program.`,
    );
  return kind;
}

export function check(kind: string, olds: Values, news: Values): Promise<driver.CheckAnswer> {
  return driver.check(kindNamed(kind), olds, news);
}

export function diff(
  kind: string,
  _id: string,
  olds: Values,
  news: Values,
): Promise<driver.DiffAnswer> {
  return Promise.resolve(driver.diff(kindNamed(kind), olds, news));
}

export function create(kind: string, inputs: Values): Promise<driver.CreateAnswer> {
  return driver.create(kindNamed(kind), inputs);
}

export function read(kind: string, id: string, props: Values): Promise<driver.ReadAnswer> {
  return driver.read(kindNamed(kind), id, props);
}

export async function update(
  kind: string,
  id: string,
  olds: Values,
  news: Values,
): Promise<{ readonly outs: Values }> {
  return { outs: await driver.update(kindNamed(kind), id, olds, news) };
}

function remove(kind: string, id: string, props: Values): Promise<void> {
  return driver.remove(kindNamed(kind), id, props);
}
export { remove as delete };
