/** Guide 2.1, "Installing the Port": the package, its version and flavors, read back from the package database. */
import { lastLines } from "../changes";
import { HostError } from "../host/errors";
import type { Answers, FactAnswers, Facts, FileState, HostReader, HostWriter } from "../host/host";
import type { Json } from "../host/record";
import { choosePackage, describeWanted, parsePackage, splitPackagePath } from "../openbsd/packages";
import type { Platform } from "../openbsd/platform";
import type { Change, Failure, Kind } from "../resource";
import { isPostfixRunning, runOrFail, stopPostfix } from "./running";

export interface PostfixPackageArgs {
  readonly version?: string;
  readonly flavors?: readonly string[];
  readonly branch?: "stable" | "snapshot";
  readonly packagePath?: string;
  readonly discardQueue?: boolean;
  /** Filled in. */
  readonly installed?: boolean;
}

interface Observed {
  /** Its full name in the package database, e.g. "postfix-2.6.5-mysql". */
  readonly name: string | undefined;
  /** What the repository offers; asked only where the package is still to come. */
  readonly offered: readonly string[] | undefined;
  /** What is there of all that an installation makes outside the package database. */
  readonly traces: Traces;
}

interface Traces {
  readonly folders: readonly string[];
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

const DATABASE = "/var/db/pkg";
const KEY = "package:postfix";
const FOLDERS = ["/etc/postfix", "/var/postfix", "/var/spool/postfix"] as const;
const USERS = ["_postfix"] as const;
const GROUPS = ["_postfix", "_postdrop"] as const;
const INSTALL_TIMEOUT_MS = 900_000;

/** Programs that look for packages, told where: without `packagePath`, where the host itself says. */
function told(args: PostfixPackageArgs): { readonly env?: { readonly PKG_PATH: string } } {
  return args.packagePath === undefined ? {} : { env: { PKG_PATH: args.packagePath } };
}

/**
 * Ways to list what the repository offers. Whether pkg_info(1) knows -Q on the oldest releases is not documented
 * (openbsd.md 1.1), so the elements of `packagePath` are listed as well: folders as they are, and, where the release
 * may need it, other URLs with ftp(1).
 */
function listings(args: PostfixPackageArgs, platform: Platform): Facts {
  return {
    "offered by pkg_info": {
      fact: "probe",
      argv: ["/usr/sbin/pkg_info", "-Q", "postfix"],
      ...told(args),
    },
    ...Object.fromEntries(
      splitPackagePath(args.packagePath ?? "").flatMap((element): [string, Facts[string]][] => {
        const folder = element.replace(/^file:(\/\/)?/, "");
        if (folder.startsWith("/"))
          return [[`offered in ${element}`, { fact: "list", path: folder }]];
        if (!platform.packages.listedByFtp) return [];
        return [
          [`offered in ${element}`, { fact: "probe", argv: ["ftp", "-V", "-o", "-", element] }],
        ];
      }),
    ),
  };
}

/** Names of packages in the answers to {@link listings}; `undefined` where nothing was asked. */
function offeredIn(answers: Answers<Facts>): string[] | undefined {
  const asked = Object.entries(answers).filter(([name]) => name.startsWith("offered "));
  if (asked.length === 0) return undefined;
  const texts = asked.map(([, answer]) => {
    if (Array.isArray(answer)) return (answer as readonly string[]).join("\n");
    const probe = answer as FactAnswers["probe"] | null;
    return probe === null || "notFound" in probe ? "" : probe.stdout;
  });
  const names = texts.join("\n").match(/\bpostfix-\d[^\s"<>()]*/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/\.tgz$/, "")))];
}

/** Does what is installed satisfy the arguments? */
function satisfies(name: string | undefined, args: PostfixPackageArgs): boolean {
  const found = name === undefined ? undefined : parsePackage(name);
  return (
    found !== undefined &&
    (args.version === undefined || found.version === args.version) &&
    sameSet(found.flavors, args.flavors ?? [])
  );
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item) => right.includes(item));
}

function validate(args: Partial<PostfixPackageArgs>): Failure[] {
  const failures: Failure[] = [];
  if (args.version !== undefined && !/^\d[A-Za-z0-9.]*$/.test(args.version))
    failures.push({
      path: "version",
      reason: 'must be a version as in a package name, such as "2.6.5" or "3.5.25p2".',
    });
  if (args.branch !== undefined && !["stable", "snapshot"].includes(args.branch))
    failures.push({ path: "branch", reason: 'must be "stable" or "snapshot".' });
  if (args.packagePath !== undefined && !/^[^\s\0]+$/.test(args.packagePath))
    failures.push({
      path: "packagePath",
      reason: "must be a PKG_PATH: URLs or folders, colon separated, without blanks.",
    });
  for (const [index, flavor] of (args.flavors ?? []).entries()) {
    if (flavor === "dovecot")
      failures.push({
        path: `flavors[${index}]`,
        reason:
          "there is no flavor dovecot: SASL through Dovecot is built into every flavor of the package. Leave it out.",
      });
    else if (!KNOWN_FLAVORS.includes(flavor))
      failures.push({
        path: `flavors[${index}]`,
        reason: `"${flavor}" is no flavor of the port; there are ${KNOWN_FLAVORS.join(", ")}.`,
      });
  }
  return failures;
}

/** Of any release; which of them a host's release has is checked there. */
const KNOWN_FLAVORS = ["sasl2", "ldap", "mysql", "pgsql", "db4", "sqlite"];

export const postfixPackage: Kind<PostfixPackageArgs, Observed> = {
  name: "PostfixPackage",
  what: () => "postfix",
  validate,
  complete: (args) => ({ ...args, flavors: args.flavors ?? [], installed: true }),
  facts: () => ({
    packages: { fact: "list", path: DATABASE },
    ...Object.fromEntries(
      FOLDERS.map((path) => [path, { fact: "file", path, stat: true } as const]),
    ),
    ...Object.fromEntries(USERS.map((name) => [`user ${name}`, { fact: "user", name } as const])),
    ...Object.fromEntries(
      GROUPS.map((name) => [`group ${name}`, { fact: "group", name } as const]),
    ),
  }),
  more: (observed, args, platform): Facts | undefined =>
    satisfies(observed.name, args) ? undefined : listings(args, platform),
  observe: (answers) => {
    return {
      name: ((answers["packages"] as readonly string[] | null) ?? []).find((name) =>
        /^postfix-\d/.test(name),
      ),
      offered: offeredIn(answers),
      traces: {
        folders: FOLDERS.filter((path) => (answers[path] as FileState).type !== "absent"),
        users: USERS.filter((name) => answers[`user ${name}`] !== null),
        groups: GROUPS.filter((name) => answers[`group ${name}`] !== null),
      },
    };
  },
  live: ({ name }, args) => {
    const found = name === undefined ? undefined : parsePackage(name);
    const flavors = found?.flavors ?? [];
    return {
      installed: name !== undefined,
      flavors: sameSet(flavors, args.flavors ?? []) ? (args.flavors ?? []) : flavors,
      ...(args.version === undefined ? {} : { version: found?.version ?? "none" }),
    };
  },
  outputs: ({ name }) => ({ name: name ?? "" }),
  claims: ({ name, traces }) => [
    { key: KEY, before: { name: name ?? null, ...traces }, applied: null },
  ],
  baselines: () => ({}),
  plan: (observed, args, { platform }): Change[] => {
    if (satisfies(observed.name, args)) return [];
    const choice = choosePackage(observed.offered, args, platform);
    const wanted = "name" in choice ? choice.name : describeWanted(args);
    return [
      observed.name === undefined
        ? { change: "step", step: "install", text: `install ${wanted}` }
        : {
            change: "step",
            step: "replace",
            text: `replace ${observed.name} with ${wanted}, around a stopped Postfix`,
          },
    ];
  },
  judge: (_host, observed, args, _changes, { platform }) => {
    const unknown = (args.flavors ?? []).findIndex(
      (flavor) => !platform.packages.flavors.includes(flavor),
    );
    if (unknown >= 0)
      return Promise.resolve([
        {
          path: `flavors[${unknown}]`,
          reason: `OpenBSD ${platform.release} has no flavor "${args.flavors?.[unknown] ?? ""}" of Postfix; it has ${platform.packages.flavors.join(", ")}.`,
        },
      ]);
    if (satisfies(observed.name, args)) return Promise.resolve([]);
    const choice = choosePackage(observed.offered, args, platform);
    return Promise.resolve(
      "reason" in choice ? [{ path: choice.path, reason: choice.reason }] : [],
    );
  },
  brings: (_args, changes) =>
    changes.length === 0
      ? []
      : ["/usr/local/", "/etc/mailer.conf.postfix", ...FOLDERS.map((path) => `${path}/`)],
  restore: ({ name }, _args, { keys }): Change[] => {
    const before = keys.find(([key]) => key === KEY)?.[1].before as
      { name: string | null } | undefined;
    return before?.name === null && name !== undefined
      ? [
          {
            change: "step",
            step: "remove",
            text: `remove ${name}`,
            detail: before as unknown as Json,
          },
        ]
      : [];
  },
  async step(step, detail, host, args, { platform, progress }) {
    if (step === "remove") await removePackage(host, detail as unknown as Traces, args, platform);
    else await addPackage(host, step === "replace", args, platform, progress);
    return undefined;
  },
};

async function installedName(host: HostReader): Promise<string | undefined> {
  const { packages } = await host.read({ packages: { fact: "list", path: DATABASE } });
  return (packages ?? []).find((name) => /^postfix-\d/.test(name));
}

/** pkg_add exits with 0 when it found nothing: only the package database says what was installed. */
async function addPackage(
  host: HostWriter,
  replace: boolean,
  args: PostfixPackageArgs,
  platform: Platform,
  progress: (text: string) => void,
): Promise<void> {
  const choice = choosePackage(
    offeredIn(await host.read(listings(args, platform))),
    args,
    platform,
  );
  if ("reason" in choice)
    throw new HostError("program", {
      host: host.address,
      during: `choosing the package for ${describeWanted(args)}`,
      reason: choice.reason,
      changed: "no",
      next: "",
    });
  const wasRunning = replace && (await isPostfixRunning(host));
  if (wasRunning) await stopPostfix(host, platform);
  progress(`pkg_add ${choice.name}`);
  const argv = [
    "/usr/sbin/pkg_add",
    ...platform.packages.addOptions,
    ...(replace ? ["-r"] : []),
    choice.name,
  ];
  const result = await host.run({ argv, timeoutMs: INSTALL_TIMEOUT_MS, ...told(args) });
  const name = await installedName(host);
  if (wasRunning) await runOrFail(host, "start Postfix", { argv: platform.postfix.start });
  if (result.exitCode === 0 && satisfies(name, args)) return;
  throw new HostError("program", {
    host: host.address,
    during: `\`${argv.join(" ")}\``,
    reason: `exit status ${String(result.exitCode)}, and ${name === undefined ? "no Postfix is installed" : `${name} is installed`}:\n${lastLines(`${result.stdout}\n${result.stderr}`)}`,
    changed: name === undefined ? "unknown" : "yes",
    next: "Check that the repository can be reached (/etc/installurl, or `packagePath`), and run `pulumi up` again.",
  });
}

/** Back to before the package came: the package, and all that its installation made besides. */
async function removePackage(
  host: HostWriter,
  before: Traces,
  args: PostfixPackageArgs,
  platform: Platform,
): Promise<void> {
  if (await isPostfixRunning(host)) await stopPostfix(host, platform);
  await refuseToLoseMail(host, args);
  const name = await installedName(host);
  if (name !== undefined)
    await runOrFail(host, `remove ${name}`, {
      argv: [
        "/usr/sbin/pkg_delete",
        ...platform.packages.addOptions.filter((word) => word !== "-m"),
        name,
      ],
      timeoutMs: INSTALL_TIMEOUT_MS,
    });
  const still = await installedName(host);
  if (still !== undefined)
    throw new HostError("program", {
      host: host.address,
      during: `removing ${still}`,
      reason: "pkg_delete ended without an error, but the package is still in /var/db/pkg",
      changed: "unknown",
      next: "Run `pkg_delete postfix` on the host and read what it says.",
    });
  for (const folder of FOLDERS)
    if (!before.folders.includes(folder))
      await runOrFail(host, `remove ${folder}`, { argv: ["/bin/rm", "-rf", folder] });
  for (const user of USERS)
    if (!before.users.includes(user))
      await runOrFail(host, `remove user ${user}`, { argv: ["/usr/sbin/userdel", user] }, [0, 6]);
  for (const group of GROUPS)
    if (!before.groups.includes(group))
      await runOrFail(
        host,
        `remove group ${group}`,
        { argv: ["/usr/sbin/groupdel", group] },
        [0, 6],
      );
}

/** Mail in the queue is somebody's: it is not deleted unless that was asked for. */
async function refuseToLoseMail(host: HostReader, args: PostfixPackageArgs): Promise<void> {
  if (args.discardQueue) return;
  // As root, postqueue(1) reads the queue itself where the mail system is down.
  const { queue } = await host.read({
    queue: { fact: "probe", argv: ["/usr/local/sbin/postqueue", "-p"] },
  });
  if (
    "notFound" in queue ||
    /^Mail queue is empty/m.test(queue.stdout) ||
    queue.stdout.trim() === ""
  )
    return;
  throw new HostError("refused", {
    host: host.address,
    during: "removing Postfix",
    reason: `there is still mail in its queue:\n${lastLines(queue.stdout, 20)}`,
    changed: "no",
    next: "Start Postfix and let it deliver them (postqueue -f), or say `discardQueue: true` to lose them, and run `pulumi up` or `pulumi destroy` again.",
  });
}
