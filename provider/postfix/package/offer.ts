/** Asking what the host's package repository offers. */
import type { Bytes } from "../../formats/bytes";
import { contentsOf, type FileState } from "../../host/host";
import { list, Look, probe, type ProbeAnswer } from "../../host/look";
import { installPath, splitPackagePath } from "../../openbsd/packages";
import type { Platform } from "../../openbsd/platform";

/** What was found of an offer. */
export interface Offer {
  /** Names of packages of Postfix. */
  readonly names: readonly string[];
  /** The package database was locked, so that pkg_info(1) waited in vain and could not be asked. */
  readonly locked: boolean;
}

/** Programs that look for packages, told where: without `packagePath`, where the host itself says. */
export function told(args: { readonly packagePath?: string }): {
  readonly env?: { readonly PKG_PATH: string };
} {
  return args.packagePath === undefined ? {} : { env: { PKG_PATH: args.packagePath } };
}

/**
 * Ways to list what the repository offers. Folders of the host are listed as they are. Anything else is asked of
 * pkg_info(1); whether that knows -Q on the oldest releases is not documented (docs/openbsd.md 1.1), so there ftp(1) lists
 * the elements of `packagePath`, or of what /etc/pkg.conf names, as well.
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
      : probe(["/usr/sbin/pkg_info", "-Q", "postfix"], told(args)),
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

/** The text that lists one element of a package path. */
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
