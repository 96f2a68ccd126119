/**
 * What runs in the provider process. The text of a provider in an old state calls these methods by the kind's name:
 * their names and shapes are frozen for ever; only additions are possible.
 */
import { type CheckAnswer, check as checkKind } from "./driver/check";
import { type CreateAnswer, create as createKind, update as updateKind } from "./driver/converge";
import { type DiffAnswer, diff as diffKind } from "./driver/diff";
import { type ReadAnswer, read as readKind } from "./driver/read";
import { remove as removeKind } from "./driver/restore";
import { keepingSecrets } from "./driver/secrets";
import type { AnyKind } from "./resource";
import { aliases } from "./resources/aliases";
import { baseMailer } from "./resources/baseMailer";
import { chrootResolv } from "./resources/chrootResolv";
import { lookupTable } from "./resources/lookupTable";
import { mailCheck } from "./resources/mailCheck";
import { mailerConf } from "./resources/mailerConf";
import { mainCf } from "./resources/mainCf";
import { masterCf } from "./resources/masterCf";
import { postfixDocs } from "./resources/postfixDocs";
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
    lookupTable,
    mailCheck,
    mailerConf,
    mainCf,
    masterCf,
    postfixDocs,
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

export function check(kind: string, olds: Values, news: Values): Promise<CheckAnswer> {
  return keepingSecrets([olds, news], () => checkKind(kindNamed(kind), olds, news));
}

export function diff(kind: string, _id: string, olds: Values, news: Values): Promise<DiffAnswer> {
  return Promise.resolve(diffKind(kindNamed(kind), olds, news));
}

export function create(kind: string, inputs: Values): Promise<CreateAnswer> {
  return keepingSecrets([inputs], () => createKind(kindNamed(kind), inputs));
}

export function read(kind: string, id: string, props: Values): Promise<ReadAnswer> {
  return keepingSecrets([props, appliedOf(props)], () => readKind(kindNamed(kind), id, props));
}

export function update(
  kind: string,
  id: string,
  olds: Values,
  news: Values,
): Promise<{ readonly outs: Values }> {
  return keepingSecrets([olds, appliedOf(olds), news], async () => ({
    outs: await updateKind(kindNamed(kind), id, olds, news),
  }));
}

/** The state's copy of the inputs as they were last applied, where there is one. */
function appliedOf(props: Values): Values {
  return (props["applied"] as Values | undefined) ?? {};
}

function remove(kind: string, id: string, props: Values): Promise<void> {
  return keepingSecrets([props, appliedOf(props)], () => removeKind(kindNamed(kind), id, props));
}
export { remove as delete };
