/** Asking which packages of Postfix the host's repository offers. */
import type { Bytes } from "../../formats/bytes";
import { contentsOf, type FileState } from "../../host/host";
import { list, Look, probe, type ProbeAnswer } from "../../host/look";
import { installPath, splitPackagePath } from "../../openbsd/packages";
import type { Platform } from "../../openbsd/platform";

/** Where a package path may be named (pkg.conf(5)). */
export const PKG_CONF = "/etc/pkg.conf";

interface Offer {
  /** Full names of the packages of Postfix. */
  readonly names: readonly string[];
  /** pkg_info(1) has waited in vain for the lock on the package database, so its answer is missing. */
  readonly locked: boolean;
}

/** The variable by which pkg_add and pkg_info look in `packagePath`; without that, they look where the host says. */
export function packagePathVariable(args: { readonly packagePath?: string }): {
  readonly env?: { readonly PKG_PATH: string };
} {
  return args.packagePath === undefined ? {} : { env: { PKG_PATH: args.packagePath } };
}

/**
 * What the repository offers. If every element of the package path is a folder on the host, those folders are listed.
 * Otherwise pkg_info(1) is asked; and as it is not documented to know -Q on the oldest releases (docs/openbsd.md 1.1),
 * ftp(1) lists there the elements that have a URL as well.
 */
export function offer(
  args: { readonly packagePath?: string },
  pkgConf: FileState,
  platform: Platform,
): Look<Offer> {
  const path = args.packagePath ?? installPath(contentsOf(pkgConf) ?? "") ?? "";
  const elements = splitPackagePath(path).map((element) => {
    const folder = element.replace(/^file:(\/\/)?/, "");
    return { element, folder: folder.startsWith("/") ? folder : undefined };
  });
  const allFolders = elements.length > 0 && elements.every(({ folder }) => folder !== undefined);
  return Look.all({
    asked: allFolders
      ? Look.of(undefined)
      : probe(["/usr/sbin/pkg_info", "-Q", "postfix"], packagePathVariable(args)),
    listed: Look.each(
      elements.map(({ element }) => element),
      (element) =>
        listing(element, elements.find((one) => one.element === element)?.folder, platform),
    ),
  }).map(({ asked, listed }) => ({
    names: namesIn([asked === undefined ? "" : outputOf(asked), ...Object.values(listed)]),
    locked:
      asked !== undefined &&
      !("notFound" in asked) &&
      asked.timedOut &&
      /already locked/.test(asked.stderr),
  }));
}

/** A text in which the names of the packages stand that one element of a package path has. */
function listing(element: string, folder: string | undefined, platform: Platform): Look<Bytes> {
  if (folder !== undefined) return list(folder).map((names) => (names ?? []).join("\n"));
  return platform.packages.listedByFtp && /^(ftp|https?):\/\//.test(element)
    ? probe(["ftp", "-V", "-o", "-", element]).map(outputOf)
    : Look.of("");
}

function outputOf(answer: ProbeAnswer): Bytes {
  return "notFound" in answer ? "" : answer.stdout;
}

function namesIn(texts: readonly Bytes[]): string[] {
  const names = texts.join("\n").match(/\bpostfix-\d[^\s"<>()]*/g) ?? [];
  return [...new Set(names.map((name) => name.replace(/\.tgz$/, "")))];
}
