/** Asking what the host's package repository offers. */
import type { Answers, Fact, FactAnswers, Facts, FileState } from "../../host/host";
import { installPath, splitPackagePath } from "../../openbsd/packages";
import type { Platform } from "../../openbsd/platform";
import { contentsOf } from "../../host/host";

/** Programs that look for packages, told where: without `packagePath`, where the host itself says. */
export function told(args: { readonly packagePath?: string }): {
  readonly env?: { readonly PKG_PATH: string };
} {
  return args.packagePath === undefined ? {} : { env: { PKG_PATH: args.packagePath } };
}

/**
 * Ways to list what the repository offers. Folders of the host are listed as they are. Anything else is asked of
 * pkg_info(1); whether that knows -Q on the oldest releases is not documented (openbsd.md 1.1), so there ftp(1) lists
 * the elements of `packagePath`, or of what /etc/pkg.conf names, as well.
 */
export function listings(
  args: { readonly packagePath?: string },
  pkgConf: FileState,
  platform: Platform,
): Facts {
  const path = args.packagePath ?? installPath(contentsOf(pkgConf) ?? "") ?? "";
  const elements = splitPackagePath(path).map((element) => {
    const folder = element.replace(/^file:(\/\/)?/, "");
    return { element, folder: folder.startsWith("/") ? folder : undefined };
  });
  const lists = elements.flatMap(({ element, folder }): [string, Fact][] => {
    if (folder !== undefined) return [[`offered in ${element}`, { fact: "list", path: folder }]];
    if (!platform.packages.listedByFtp || !/^(ftp|https?):\/\//.test(element)) return [];
    return [[`offered in ${element}`, { fact: "probe", argv: ["ftp", "-V", "-o", "-", element] }]];
  });
  const allFolders = elements.length > 0 && elements.every(({ folder }) => folder !== undefined);
  const asked: Fact = {
    fact: "probe",
    argv: ["/usr/sbin/pkg_info", "-Q", "postfix"],
    ...told(args),
  };
  return Object.fromEntries(allFolders ? lists : [["offered by pkg_info", asked], ...lists]);
}

/** Did pkg_info(1) wait in vain for the lock of the package database? */
export function isLocked(answers: Answers<Facts>): boolean {
  const asked = answers["offered by pkg_info"] as FactAnswers["probe"] | undefined;
  return (
    asked !== undefined &&
    !("notFound" in asked) &&
    asked.timedOut &&
    /already locked/.test(asked.stderr)
  );
}

/** Names of packages in the answers to {@link listings}; `undefined` where nothing was asked. */
export function offeredIn(answers: Answers<Facts>): string[] | undefined {
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
