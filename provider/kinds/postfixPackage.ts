/** Guide 2.1, "Installing the Port": the package, its version and flavors, read back from the package database. */
import { type PostfixPackageArgs, postfixPackageArguments } from "../arguments/postfixPackage";
import {
  type Action,
  actionPlan,
  type Failure,
  type JudgeContext,
  type Kind,
  NOTHING_TO_DO,
  type Plan,
  type PlanContext,
  type RestoreContext,
} from "../contract/kind";
import { JOBS } from "../host/detachedJob";
import { contentsOf, type HostReader } from "../host/host";
import { file, list, Look, lookAt, stat } from "../host/look";
import { type Claim, foreignOwner, type KeyEntry } from "../host/record";
import { RECORD } from "../host/recordLook";
import {
  BUILT_IN,
  type Choice,
  choosePackage,
  describeWanted,
  flavorsOf,
  isWanted,
  mayBeOfBranch,
  type Offered,
  parsePackage,
} from "../openbsd/packages";
import { declareComing } from "../judge";
import type { Platform } from "../openbsd/platform";
import { type ComingPackage, configurationOf } from "../postfix/packageContents";
import { builtName, portsProblem, type PortsSight } from "../openbsd/ports";
import { installPackage, resumeInstallation } from "../postfix/package/install";
import {
  asJson,
  isCut,
  notedIn,
  noteOf,
  PACKAGE_KEY,
  type PackageNote,
  usersOf,
  usesKey,
} from "../postfix/package/note";
import { offer, PKG_CONF } from "../postfix/package/offer";
import { DATABASE, isPartialPostfix, isPostfix } from "../postfix/package/packageDatabase";
import { portLook, portsLook } from "../postfix/package/portsLook";
import { cleanUp, removePackage } from "../postfix/package/remove";
import { FOLDERS, type Traces, TRACES } from "../postfix/package/traces";
import { POSTFIX_MAILER_CONF } from "../postfix/mailerConf";
import { RC_SCRIPT } from "../postfix/running";

/** The arguments, with those that `complete` fills in, and with types that also hold what a host may have. */
interface Completed extends Omit<PostfixPackageArgs, "flavors" | "branch"> {
  readonly flavors?: readonly string[];
  readonly branch?: string;
  /** Is the installation complete? */
  readonly installed?: boolean;
  /** Where no version is pinned: the release of OpenBSD that the package is for. */
  readonly forRelease?: string;
}

interface Observed {
  /** The full name of the Postfix package in the package database, such as "postfix-2.6.5-mysql". */
  readonly name: string | undefined;
  /** The entries in the package database that an interrupted pkg_add(1) has left. */
  readonly partial: readonly string[];
  /** What the repositories offer; asked for only where another package may have to be installed. */
  readonly offered: Offered | undefined;
  /** Was the package database locked, so that the repository could not be asked? */
  readonly locked: boolean;
  /** The ports tree and the tools to build with; asked for only where the package is to come from ports. */
  readonly ports: PortsSight | undefined;
  readonly traces: Traces;
  /** Jobs of the provider on the host that still run, or that nobody has cleared away. */
  readonly jobs: readonly string[];
  readonly note: PackageNote;
}

function sourceOf(args: Completed): "packages" | "ports" {
  return args.source ?? "packages";
}

/** Why the package is to be installed or replaced. */
type Reason = "absent" | "unwanted" | "source" | "release";

/** The release that the package is for. A package that was there before the step passes for current: its admin updates it. */
function releaseOf(note: PackageNote, platform: Platform): string {
  return note.source === undefined ? platform.release : (note.release ?? platform.release);
}

/** Did the provider install the package on another release of the host, without a pinned version that would have to stay? */
function isOutdated(note: PackageNote, args: Completed, platform: Platform): boolean {
  return args.version === undefined && releaseOf(note, platform) !== platform.release;
}

/** Did the provider install the package from another branch than the wanted one? The package's name does not tell. */
function isOtherBranch(note: PackageNote, { version, branch }: Completed): boolean {
  return (
    version === undefined &&
    branch !== undefined &&
    note.branch !== undefined &&
    note.branch !== branch
  );
}

/** The package to install: its name, or why there is none. */
function choiceFor(observed: Observed, args: Completed, platform: Platform): Choice {
  if (sourceOf(args) === "packages") return choosePackage(observed.offered, args, platform);
  const name = observed.ports ? builtName(observed.ports, args) : undefined;
  return { name: name ?? describeWanted(args), others: [] };
}

function reasonToAct(
  observed: Observed,
  args: Completed,
  note: PackageNote,
  platform: Platform,
): Reason | undefined {
  if (observed.name === undefined) return "absent";
  if (!isWanted(observed.name, args) || isOtherBranch(note, args)) return "unwanted";
  if (note.source !== undefined && note.source !== sourceOf(args)) return "source";
  if (!isOutdated(note, args, platform)) return undefined;
  // A package that was built from ports on another release is built again, whatever its name.
  if (sourceOf(args) === "ports") return "release";
  const choice = choiceFor(observed, args, platform);
  return "name" in choice && choice.name === observed.name ? undefined : "release";
}

/** The branch of the installed version: the wanted branch where the version may be of it. */
function liveBranch(version: string | undefined, wanted: string): string {
  if (version === undefined) return "none";
  if (mayBeOfBranch(version, wanted)) return wanted;
  return mayBeOfBranch(version, "snapshot") ? "snapshot" : "stable";
}

/** Has an installation, finished or not, left anything on the host that was not there before it? */
function isBeyond(observed: Observed, before: Traces): boolean {
  const { name, partial, jobs, traces } = observed;
  const newer = (now: readonly string[], then: readonly string[]): boolean =>
    now.some((trace) => !then.includes(trace));
  return (
    name !== undefined ||
    partial.length > 0 ||
    jobs.length > 0 ||
    newer(traces.folders, before.folders) ||
    newer(traces.users, before.users) ||
    newer(traces.groups, before.groups)
  );
}

/**
 * Does the package belong to another stack, and is it as this stack wants it? Then this stack uses it without owning it;
 * only to change a package a stack must own it.
 */
function isShared(
  observed: Observed,
  args: Completed,
  { record, owner, platform }: Pick<PlanContext, "record" | "owner" | "platform">,
): boolean {
  const note = notedIn(record);
  return (
    foreignOwner(record.keys[PACKAGE_KEY], owner) !== undefined &&
    note.under === undefined &&
    reasonToAct(observed, args, note, platform) === undefined
  );
}

/** Is the installed package the wanted one, so that neither a repository nor the ports tree has to be asked? */
function isSettled(
  { name, note }: Pick<Observed, "name" | "note">,
  args: Completed,
  platform: Platform,
): boolean {
  return (
    isWanted(name, args) &&
    !isOtherBranch(note, args) &&
    (note.source === undefined || note.source === sourceOf(args)) &&
    !isOutdated(note, args, platform)
  );
}

function look(args: Completed, platform: Platform): Look<Observed> {
  const source = sourceOf(args);
  return Look.all({
    packages: list(DATABASE).map((names) => names ?? []),
    jobs: list(JOBS).map((names) => names ?? []),
    pkgConf: file(PKG_CONF),
    traces: TRACES,
    ports: source === "ports" ? portsLook() : Look.of(undefined),
    note: RECORD.map(notedIn),
  }).andThen(({ packages, ports, pkgConf, ...found }) => {
    const name = packages.find(isPostfix);
    const seen: Observed = {
      ...found,
      ...{ name, ports },
      partial: packages.filter(isPartialPostfix),
      offered: undefined,
      locked: false,
    };
    if (isSettled(seen, args, platform)) return Look.of(seen);
    if (source === "packages")
      return offer(args, pkgConf, platform).map(({ locked, ...offered }) => ({
        ...seen,
        ...{ offered: locked ? undefined : offered, locked },
      }));
    return ports?.tree === true && ports.compiler
      ? portLook(args, ports).map((port) => ({ ...seen, ports: port }))
      : Look.of(seen);
  });
}

function claimOf(observed: Observed, args: Completed, context: PlanContext): Claim {
  const { name, traces } = observed;
  const { platform, record, owner } = context;
  if (isShared(observed, args, context))
    return { key: usesKey(owner.urn), before: null, applied: { name: name ?? "" }, noted: true };
  const isNoted = record.keys[PACKAGE_KEY]?.applied !== undefined;
  const { discardQueue: _, ...note }: PackageNote = isNoted
    ? notedIn(record)
    : { release: platform.release };
  return {
    key: PACKAGE_KEY,
    before: { name: name ?? null, ...traces },
    // The way back from Postfix begins before the package is removed, and must know the user's word then.
    applied: asJson(args.discardQueue === true ? { ...note, discardQueue: true } : note),
    ...(isNoted ? { noted: true } : {}),
  };
}

function plan(observed: Observed, args: Completed, context: PlanContext): Plan {
  if (isShared(observed, args, context)) return NOTHING_TO_DO;
  const { platform, record } = context;
  const note = notedIn(record);
  const main = mainPlan(observed, args, note, platform);
  if (sourceOf(args) === "ports" || !note.ports) return main;
  const cleaning: Action = {
    change: "act",
    text: "clean the ports tree of what building Postfix has left there",
    act: (host, step) => cleanUp(host, notedIn(step.record), step, false),
  };
  return { ...main, changes: [...main.changes, cleaning] };
}

function mainPlan(
  observed: Observed,
  args: Completed,
  note: PackageNote,
  platform: Platform,
): Plan {
  const reason = reasonToAct(observed, args, note, platform);
  const name = observed.name ?? "postfix";
  if (reason !== undefined) return packagePlan(observed, args, reason, platform);
  if (isOutdated(note, args, platform))
    return actionPlan(
      `take ${name} as it is: OpenBSD ${platform.release} offers the same`,
      (_host, { record, note: write }) =>
        write(PACKAGE_KEY, asJson({ ...notedIn(record), release: platform.release })),
    );
  if (note.under)
    return actionPlan(
      `finish the installation of ${name}, which was interrupted${note.under.restart ? ", and start Postfix again" : ""}`,
      (host, context) => resumeInstallation(host, args, context),
    );
  return NOTHING_TO_DO;
}

function packagePlan(
  observed: Observed,
  args: Completed,
  reason: Reason,
  platform: Platform,
): Plan {
  const choice = choiceFor(observed, args, platform);
  const wanted = "name" in choice ? choice.name : describeWanted(args);
  const build = sourceOf(args) === "ports" ? "build from ports and " : "";
  const others =
    "name" in choice && choice.others.length > 0
      ? ` (of the branch ${args.branch ?? "stable"}; there is also ${choice.others.join(", ")}: see \`branch\`)`
      : "";
  const scripts = platform.boot.packageScripts.map((name) => `/etc/rc.d/${name}`);
  if (observed.name === undefined)
    return {
      ...actionPlan(`${build}install ${wanted}${others}`, (host, context) =>
        installPackage(host, false, args, context),
      ),
      brings: [
        "/usr/local/",
        ...scripts,
        POSTFIX_MAILER_CONF,
        ...FOLDERS.map((path) => `${path}/`),
      ],
      ...expectedOf(comingFrom(choice)),
    };
  const why =
    reason === "release"
      ? `, because the host is now OpenBSD ${platform.release}`
      : reason === "source"
        ? `, from ${sourceOf(args)}`
        : "";
  const text = `${build}replace ${observed.name} by ${wanted}${others}${why}, around a stopped Postfix`;
  return {
    ...actionPlan(text, (host, context) => installPackage(host, true, args, context)),
    // Replacing a package creates neither the chroot's files nor mailer.conf.postfix again (docs/openbsd.md 2.2).
    brings: ["/usr/local/", ...scripts],
  };
}

/** The package that is to be installed, as far as its name tells; `undefined` where the name is not known. */
function comingFrom(choice: Choice): ComingPackage | undefined {
  return "name" in choice ? parsePackage(choice.name) : undefined;
}

function expectedOf(coming: ComingPackage | undefined): Pick<Plan, "expects"> {
  return coming === undefined ? {} : { expects: configurationOf(coming) };
}

function restore(
  observed: Observed,
  args: Completed,
  { keys, record, warn }: RestoreContext,
): Plan {
  const { name } = observed;
  const entry = keys.find(([key]) => key === PACKAGE_KEY)?.[1];
  if (!entry) return NOTHING_TO_DO;
  const before = beforeOf(entry);
  const note = noteOf(entry);
  const users = usersOf(record);
  const isUsed = users.length > 0 && name !== undefined;
  if (before.name === null && isUsed) warn(`${name} stays: ${users.join(", ")} uses it too.`);
  if (before.name !== null || isUsed) {
    if (before.name !== null && name !== undefined && name !== before.name)
      warn(`${before.name} was there before; ${name}, which took its place, stays.`);
    if (note.ports === undefined && observed.jobs.length === 0) return NOTHING_TO_DO;
    return actionPlan("clean up after the installation", (host, context) =>
      cleanUp(host, note, context, true),
    );
  }
  if (!isBeyond(observed, before) && note.ports === undefined && !isCut(note)) return NOTHING_TO_DO;
  return actionPlan(`remove ${name ?? "postfix"}`, (host, context) =>
    removePackage(host, before, note, args, context),
  );
}

/** The host before the installation. The type holds because {@link claimOf} alone makes the package's claim. */
function beforeOf(entry: KeyEntry): Traces & { readonly name: string | null } {
  return entry.before as unknown as Traces & { readonly name: string | null };
}

/** A warning of a package from before the first apply that is visibly for another release of OpenBSD. */
async function otherRelease(
  host: HostReader,
  name: string,
  platform: Platform,
): Promise<string | undefined> {
  const { contents, script } = await lookAt(
    host,
    Look.all({ contents: file(`${DATABASE}/${name}/+CONTENTS`), script: stat(RC_SCRIPT) }),
  );
  const from = /^@url .*\/(\d+\.\d+)\/packages(?:-stable)?\//m.exec(
    contentsOf(contents) ?? "",
  )?.[1];
  const stays =
    "It belongs to the host's admin and stays; pkg_add -u, or PostfixPackage with the `version` of today, replaces it.";
  if (from !== undefined && from !== platform.release)
    return `${name} is a package of OpenBSD ${from}, and the host is ${platform.release}. ${stays}`;
  if (platform.boot.packageScripts.length > 0 && script.type === "absent")
    return `${name} has no script in /etc/rc.d, like every package of a release before 5.0, and the host is OpenBSD ${platform.release}. ${stays}`;
  return undefined;
}

/** Why the plan cannot be carried out on this host; `undefined` where it can. */
function failureOf(
  observed: Observed,
  args: Completed,
  platform: Platform,
  machine: string,
): Failure | undefined {
  const reason = reasonToAct(observed, args, observed.note, platform);
  if (reason === undefined) return undefined;
  if (sourceOf(args) === "ports")
    return observed.ports && portsProblem(observed.ports, args, platform, machine);
  const known = platform.packages.flavors;
  const unknown = flavorsOf(args).find((flavor) => !known.includes(flavor));
  if (unknown !== undefined)
    return {
      path: `flavors[${args.flavors?.indexOf(unknown) ?? 0}]`,
      reason: `OpenBSD ${platform.release} has no flavor "${unknown}" of Postfix; it has ${known.join(", ")}.`,
    };
  const choice = choiceFor(observed, args, platform);
  return "reason" in choice ? { path: choice.path, reason: choice.reason } : undefined;
}

async function judgePlan(
  observed: Observed,
  args: Completed,
  context: JudgeContext,
): Promise<readonly Failure[]> {
  const { host, plan: judged, platform, warn } = context;
  const { name, note, partial, locked } = observed;
  if ((args.flavors ?? []).some((flavor) => flavor === BUILT_IN))
    warn(
      `flavors: there is no flavor ${BUILT_IN}, and none is needed: SASL through Dovecot is built into every package of Postfix. It is left out.`,
    );
  if (partial.length > 0)
    warn(
      `${partial.join(", ")}: an installation was interrupted. pkg_info -L shows its files; it is removed before Postfix is installed or replaced.`,
    );
  if (locked) {
    warn(
      "the package database is locked by another program, so what the repository offers could not be listed.",
    );
    return [];
  }
  if (name !== undefined && note.source === undefined && judged.changes.length === 0) {
    const other = await otherRelease(host, name, platform);
    if (other !== undefined) warn(other);
  }
  const coming = comingFrom(choiceFor(observed, args, platform));
  if (judged.expects !== undefined && coming !== undefined) declareComing(context, coming);
  const failure = failureOf(observed, args, platform, host.system.machine);
  return failure ? [failure] : [];
}

export const postfixPackage: Kind<Completed, Observed> = {
  name: "PostfixPackage",
  subject: () => "postfix",
  arguments: postfixPackageArguments,
  complete: (args, platform) => ({
    ...args,
    flavors: args.flavors ?? [],
    installed: true,
    ...(args.version === undefined ? { forRelease: platform.release } : {}),
  }),
  look,
  live: ({ name, note }, args, platform) => {
    const found = name === undefined ? undefined : parsePackage(name);
    const flavors = found?.flavors ?? [];
    const wanted = flavorsOf(args);
    const same =
      flavors.length === wanted.length && flavors.every((flavor) => wanted.includes(flavor));
    return {
      // An interrupted installation is not complete, whatever the package database says.
      installed: name !== undefined && note.under === undefined,
      flavors: same ? (args.flavors ?? []) : flavors,
      ...(args.version === undefined ? { forRelease: releaseOf(note, platform) } : {}),
      ...(args.version === undefined ? {} : { version: found?.version ?? "none" }),
      ...(args.branch === undefined || args.version !== undefined
        ? {}
        : {
            branch: isOtherBranch(note, args)
              ? (note.branch ?? "none")
              : liveBranch(found?.version, args.branch),
          }),
      ...(args.source === undefined ? {} : { source: note.source ?? args.source }),
    };
  },
  outputs: ({ name }) => ({ name: name ?? "" }),
  owns: (observed, args, context) => ({ claims: [claimOf(observed, args, context)], files: {} }),
  plan,
  judge: judgePlan,
  restore,
};
