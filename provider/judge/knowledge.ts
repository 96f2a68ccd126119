/** What is known of a Postfix: by its own answers where it is installed, else by the package that is to be installed. */
import type { JudgeContext } from "../contract/kind";
import { group, list, Look, lookAt, user } from "../host/look";
import {
  type ComingPackage,
  CONFIGURATION_FILES,
  daemonsOf,
  defaultsOf,
  MAIL_OWNER,
  NAMES_UNKNOWN_FROM,
  saslOf,
  SETGID_GROUP,
  tableTypesOf,
} from "../postfix/packageContents";
import { CONFIGURATION, DAEMONS } from "../postfix/paths";
import { isFrom } from "../postfix/versionTraits";
import { type Candidate, type Knowledge, NOTHING_KNOWN } from "./candidate";
import { comingPackage } from "./declarations";
import type { ToolAnswers } from "./staging";

/** @param asked the answers of the host's tools; `undefined` where they are not asked */
export async function knowledgeOf(
  context: JudgeContext,
  asked: Promise<ToolAnswers> | undefined,
  candidate: Candidate,
): Promise<Knowledge> {
  const [answers, daemons] = await Promise.all([
    asked,
    asked === undefined ? null : lookAt(context.host, list(DAEMONS)),
  ]);
  // An empty answer is that of a host with a main.cf and without the programs.
  if (answers !== undefined && answers.defaults.size > 0)
    return {
      isInstalled: true,
      areNamesKnown: true,
      defaults: answers.defaults,
      tableTypes: answers.tableTypes,
      sasl: answers.sasl,
      daemons: new Set(daemons ?? []),
    };
  const coming = comingPackage(context);
  return coming === undefined ? NOTHING_KNOWN : ofPackage(context, coming, candidate);
}

async function ofPackage(
  { host }: JudgeContext,
  coming: ComingPackage,
  { value }: Candidate,
): Promise<Knowledge> {
  const found = await lookAt(
    host,
    Look.all({
      users: Look.each([value("mail_owner"), value("default_privs")].filter(Boolean), user),
      groups: Look.each([value("setgid_group")].filter(Boolean), group),
    }),
  );
  const present = (accounts: Readonly<Record<string, unknown>>): string[] =>
    Object.keys(accounts).filter((name) => accounts[name] !== null);
  return {
    isInstalled: false,
    areNamesKnown: !isFrom(coming.version, NAMES_UNKNOWN_FROM),
    defaults: defaultsOf(coming),
    tableTypes: tableTypesOf(coming),
    sasl: saslOf(coming),
    daemons: daemonsOf(coming),
    accounts: {
      users: new Set([MAIL_OWNER, ...present(found.users)]),
      groups: new Set([SETGID_GROUP, ...present(found.groups)]),
    },
  };
}

/** Does an earlier step of the plan bring this file? Of what the package puts into /etc/postfix, the names are known. */
export function isComing(context: JudgeContext, path: string): boolean {
  if (comingPackage(context) === undefined || !path.startsWith(`${CONFIGURATION}/`))
    return context.coming(path);
  return CONFIGURATION_FILES.includes(path) || context.comingItself(path);
}
