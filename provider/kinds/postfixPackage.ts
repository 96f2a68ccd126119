/** Guide 2.1, "Installing the Port": the package, its version and flavors, read back from the package database. */
import { type PostfixPackageArgs, postfixPackageArguments } from "../arguments/postfixPackage";
import { contentsOf } from "../host/host";
import type { FileState, HostReader } from "../host/host";
import { foreignOwner, type Json, parseRecord } from "../host/record";
import {
  BUILT_IN,
  type Choice,
  choosePackage,
  describeWanted,
  flavorsOf,
  isWanted,
  mayBeOfBranch,
  parsePackage,
} from "../openbsd/packages";
import type { Platform } from "../openbsd/platform";
import { builtName, portsProblem, type PortsSight } from "../openbsd/ports";
import type { Change, Failure, Kind, PlanContext } from "../kind/kind";
import { JOBS } from "../host/job";
import { isLocked, listings, offeredIn } from "../postfix/package/offer";
import {
  asJson,
  notedIn,
  noteOf,
  PACKAGE_KEY,
  type PackageNote,
  usersOf,
  usesKey,
} from "../postfix/package/note";
import {
  cleanUp,
  DATABASE,
  finishInstallation,
  FOLDERS,
  GROUPS,
  installPackage,
  isPostfix,
  removePackage,
  type Traces,
  USERS,
} from "../postfix/package/install";
import { portsFacts, portsQuestions, portsSight } from "../postfix/package/portsBuild";

interface Completed extends Omit<PostfixPackageArgs, "flavors" | "branch"> {
  /** What a host has may be any. */
  readonly flavors?: readonly string[];
  readonly branch?: string;
  /** Filled in: the installation is complete. */
  readonly installed?: boolean;
  /** Filled in where no version is pinned: the release of OpenBSD that the package is for. */
  readonly forRelease?: string;
}

interface Observed {
  /** Its full name in the package database, e.g. "postfix-2.6.5-mysql". */
  readonly name: string | undefined;
  /** What an interrupted pkg_add has registered. */
  readonly partial: readonly string[];
  readonly pkgConf: FileState;
  /** What the repository offers; asked only where it matters. */
  readonly offered: readonly string[] | undefined;
  /** The package database was locked, so nothing could be asked. */
  readonly locked: boolean;
  /** What there is to build with; asked only where the package is to come from ports. */
  readonly ports: PortsSight | undefined;
  readonly traces: Traces;
  /** Jobs of ours that run, or have not been cleared away. */
  readonly jobs: readonly string[];
  readonly note: PackageNote;
}

function sourceOf(args: Completed): "packages" | "ports" {
  return args.source ?? "packages";
}

/** Why something is to be done about the package. */
type Reason = "absent" | "unwanted" | "source" | "release";

/** The release that the package is for. One that was there before us is its admin's to update. */
function releaseOf(note: PackageNote, platform: Platform): string {
  return note.source === undefined ? platform.release : (note.release ?? platform.release);
}

/** Did we put it there for another release of the host, with no version pinned that would have to stay? */
function isOutdated(note: PackageNote, args: Completed, platform: Platform): boolean {
  return args.version === undefined && releaseOf(note, platform) !== platform.release;
}

/** Did we take it from another branch than the one that is asked for? A name alone does not say. */
function isOtherBranch(note: PackageNote, { version, branch }: Completed): boolean {
  return (
    version === undefined &&
    branch !== undefined &&
    note.branch !== undefined &&
    note.branch !== branch
  );
}

/** What is to be installed: a name, or why there is none. */
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
  // What was compiled for another release is built again, whatever its name.
  if (sourceOf(args) === "ports") return "release";
  const choice = choiceFor(observed, args, platform);
  return "name" in choice && choice.name === observed.name ? undefined : "release";
}

/** The branch of what is installed, in the user's word where it may be that. */
function liveBranch(version: string | undefined, wanted: string): string {
  if (version === undefined) return "none";
  if (mayBeOfBranch(version, wanted)) return wanted;
  return mayBeOfBranch(version, "snapshot") ? "snapshot" : "stable";
}

/** Is there anything left of an installation, begun or done, besides what was there before it? */
function isBeyond(observed: Observed, before: Traces): boolean {
  const { name, partial, jobs, traces } = observed;
  const newer = (now: readonly string[], then: readonly string[]): boolean =>
    now.some((one) => !then.includes(one));
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
 * Is it another stack's package, and as this one wants it? Then it is used as it is: only who would have to change it
 * must be its owner.
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

export const postfixPackage: Kind<Completed, Observed> = {
  name: "PostfixPackage",
  what: () => "postfix",
  arguments: postfixPackageArguments,
  complete: (args, platform) => ({
    ...args,
    flavors: args.flavors ?? [],
    installed: true,
    ...(args.version === undefined ? { forRelease: platform.release } : {}),
  }),
  facts: (args) => ({
    packages: { fact: "list", path: DATABASE },
    jobs: { fact: "list", path: JOBS },
    pkgConf: { fact: "file", path: "/etc/pkg.conf" },
    ...Object.fromEntries(
      FOLDERS.map((path) => [path, { fact: "file", path, stat: true } as const]),
    ),
    ...Object.fromEntries(USERS.map((name) => [`user ${name}`, { fact: "user", name } as const])),
    ...Object.fromEntries(
      GROUPS.map((name) => [`group ${name}`, { fact: "group", name } as const]),
    ),
    ...(sourceOf(args) === "ports" ? portsFacts() : {}),
  }),
  more: (observed, args, platform) => {
    const { name, note, ports, pkgConf } = observed;
    const settled =
      isWanted(name, args) &&
      !isOtherBranch(note, args) &&
      (note.source === undefined || note.source === sourceOf(args)) &&
      !isOutdated(note, args, platform);
    if (settled) return undefined;
    if (sourceOf(args) === "packages") return listings(args, pkgConf, platform);
    return ports?.tree === true && ports.compiler ? portsQuestions(args) : undefined;
  },
  observe: (answers) => {
    const packages = (answers["packages"] as readonly string[] | null) ?? [];
    return {
      name: packages.find(isPostfix),
      partial: packages.filter((name) => name.startsWith("partial-postfix-")),
      pkgConf: answers["pkgConf"] as FileState,
      offered: offeredIn(answers),
      locked: isLocked(answers),
      ports: portsSight(answers),
      traces: {
        folders: FOLDERS.filter((path) => (answers[path] as FileState).type !== "absent"),
        users: USERS.filter((name) => answers[`user ${name}`] !== null),
        groups: GROUPS.filter((name) => answers[`group ${name}`] !== null),
      },
      jobs: (answers["jobs"] as readonly string[] | null) ?? [],
      note: notedIn(parseRecord(answers["record"] as FileState)),
    };
  },
  live: ({ name, note }, args, platform) => {
    const found = name === undefined ? undefined : parsePackage(name);
    const flavors = found?.flavors ?? [];
    const wanted = flavorsOf(args);
    const same = flavors.length === wanted.length && flavors.every((one) => wanted.includes(one));
    return {
      // What was interrupted is not there yet, whatever the database says.
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
  claims: (observed, args, context) => {
    const { name, traces } = observed;
    const { platform, record, owner } = context;
    if (isShared(observed, args, context))
      return [
        { key: usesKey(owner.urn), before: null, applied: { name: name ?? "" }, noted: true },
      ];
    return [
      {
        key: PACKAGE_KEY,
        before: { name: name ?? null, ...traces },
        applied: asJson(
          record.keys[PACKAGE_KEY]?.applied ? notedIn(record) : { release: platform.release },
        ),
      },
    ];
  },
  baselines: () => ({}),
  plan: (observed, args, context): Change[] => {
    if (isShared(observed, args, context)) return [];
    const { platform, record } = context;
    const note = notedIn(record);
    const reason = reasonToAct(observed, args, note, platform);
    const changes: Change[] = [];
    if (reason !== undefined) changes.push(packageChange(observed, args, reason, platform));
    else if (isOutdated(note, args, platform))
      changes.push({
        change: "step",
        step: "accept",
        text: `take ${observed.name ?? "postfix"} as it is: OpenBSD ${platform.release} offers the same`,
      });
    else if (note.under)
      changes.push({
        change: "step",
        step: "finish",
        text: `finish the installation of ${observed.name ?? "postfix"}, which was interrupted${note.under.restart ? ", and start Postfix again" : ""}`,
      });
    if (sourceOf(args) !== "ports" && note.ports)
      changes.push({
        change: "step",
        step: "clean",
        text: "clean the ports tree of what building Postfix has left there",
      });
    return changes;
  },
  judge: async (host, observed, args, changes, { platform, warn }) => {
    if ((args.flavors ?? []).includes(BUILT_IN))
      warn(
        `flavors: there is no flavor ${BUILT_IN}, and none is needed: SASL through Dovecot is built into every package of Postfix. It is left out.`,
      );
    if (observed.partial.length > 0)
      warn(
        `${observed.partial.join(", ")}: an installation was interrupted. pkg_check(8) shows what it holds.`,
      );
    if (observed.locked) {
      warn(
        "the package database is locked by another program, so what the repository offers could not be listed.",
      );
      return [];
    }
    const { name, note } = observed;
    if (name !== undefined && note.source === undefined && changes.length === 0) {
      const other = await otherRelease(host, name, platform);
      if (other !== undefined) warn(other);
    }
    const failure = impossible(observed, args, platform, host.system.machine);
    return failure ? [failure] : [];
  },
  brings: (_args, changes, platform) => {
    const does = (step: string): boolean =>
      changes.some((change) => change.change === "step" && change.step === step);
    const script = platform.boot.packageScripts.map((name) => `/etc/rc.d/${name}`);
    if (does("install"))
      return [
        "/usr/local/",
        ...script,
        "/etc/mailer.conf.postfix",
        ...FOLDERS.map((path) => `${path}/`),
      ];
    // Replacing makes neither the chroot's files nor mailer.conf.postfix anew (openbsd.md 2.2).
    return does("replace") ? ["/usr/local/", ...script] : [];
  },
  restore: (observed, _args, { keys, record, warn }): Change[] => {
    const entry = keys.find(([key]) => key === PACKAGE_KEY)?.[1];
    if (!entry) return [];
    const before = entry.before as unknown as Traces & { readonly name: string | null };
    const note = noteOf(entry);
    const detail = { before, note } as unknown as Json;
    const users = usersOf(record);
    if (before.name === null && users.length > 0 && observed.name !== undefined)
      warn(`${observed.name} stays: ${users.join(", ")} uses it too.`);
    if (before.name !== null || (users.length > 0 && observed.name !== undefined)) {
      if (before.name !== null && observed.name !== undefined && observed.name !== before.name)
        warn(`${before.name} was there before; ${observed.name}, which took its place, stays.`);
      if (note.ports === undefined && observed.jobs.length === 0) return [];
      return [{ change: "step", step: "leave", text: "clean up after the installation", detail }];
    }
    if (!isBeyond(observed, before) && note.ports === undefined) return [];
    return [
      { change: "step", step: "remove", text: `remove ${observed.name ?? "postfix"}`, detail },
    ];
  },
  async step(step, detail, host, args, context) {
    const undo = detail as unknown as { before: Traces; note: PackageNote } | undefined;
    switch (step) {
      case "install":
      case "replace":
        await installPackage(host, step === "replace", args, context);
        break;
      case "accept":
        await context.note(
          PACKAGE_KEY,
          asJson({ ...notedIn(context.record), release: context.platform.release }),
        );
        break;
      case "finish":
        await finishInstallation(host, args, context);
        break;
      case "clean":
        await cleanUp(host, notedIn(context.record), context, false);
        break;
      case "leave":
        if (undo) await cleanUp(host, undo.note, context, true);
        break;
      case "remove":
        if (undo) await removePackage(host, undo.before, undo.note, args, context);
        break;
    }
    return undefined;
  },
};

/** What to say of a package that was there before us and is not of this release, as far as it shows that. */
async function otherRelease(
  host: HostReader,
  name: string,
  platform: Platform,
): Promise<string | undefined> {
  const { list, script } = await host.read({
    list: { fact: "file", path: `${DATABASE}/${name}/+CONTENTS` },
    script: { fact: "file", path: "/etc/rc.d/postfix", stat: true },
  });
  const from = /^@url .*\/(\d+\.\d+)\/packages(?:-stable)?\//m.exec(contentsOf(list) ?? "")?.[1];
  const stays =
    "It is its admin's and stays; pkg_add -u, or PostfixPackage with its `version` of now, replaces it.";
  if (from !== undefined && from !== platform.release)
    return `${name} is a package of OpenBSD ${from}, and the host is ${platform.release}. ${stays}`;
  if (platform.boot.packageScripts.length > 0 && script.type === "absent")
    return `${name} has no script in /etc/rc.d, as a package of a release before 5.0, and the host is OpenBSD ${platform.release}. ${stays}`;
  return undefined;
}

function packageChange(
  observed: Observed,
  args: Completed,
  reason: Reason,
  platform: Platform,
): Change {
  const choice = choiceFor(observed, args, platform);
  const wanted = "name" in choice ? choice.name : describeWanted(args);
  const how = sourceOf(args) === "ports" ? "build from ports and " : "";
  const others =
    "name" in choice && choice.others.length > 0
      ? ` (of the branch ${args.branch ?? "stable"}; there is also ${choice.others.join(", ")}: see \`branch\`)`
      : "";
  if (observed.name === undefined)
    return { change: "step", step: "install", text: `${how}install ${wanted}${others}` };
  const why =
    reason === "release"
      ? `, because the host is now OpenBSD ${platform.release}`
      : reason === "source"
        ? `, from ${sourceOf(args)}`
        : "";
  return {
    change: "step",
    step: "replace",
    text: `${how}replace ${observed.name} by ${wanted}${others}${why}, around a stopped Postfix`,
  };
}

/** Why the plan cannot be carried out on this host. */
function impossible(
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
