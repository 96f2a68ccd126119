/** Asking what the host's package repository offers. */
import type { Answers, FactAnswers, Facts, FileState } from "../host/host";
import { installPath, splitPackagePath } from "../openbsd/packages";
import type { Platform } from "../openbsd/platform";
import { contentsOf } from "../files";

/** Programs that look for packages, told where: without `packagePath`, where the host itself says. */
export function told(args: { readonly packagePath?: string }): {
  readonly env?: { readonly PKG_PATH: string };
} {
  return args.packagePath === undefined ? {} : { env: { PKG_PATH: args.packagePath } };
}

/**
 * Ways to list what the repository offers. Whether pkg_info(1) knows -Q on the oldest releases is not documented
 * (openbsd.md 1.1), so the elements of `packagePath`, or of what /etc/pkg.conf names, are listed as well: folders as
 * they are, and, where the release may need it, other URLs with ftp(1).
 */
export function listings(
  args: { readonly packagePath?: string },
  pkgConf: FileState,
  platform: Platform,
): Facts {
  const path = args.packagePath ?? installPath(contentsOf(pkgConf) ?? "") ?? "";
  return {
    "offered by pkg_info": {
      fact: "probe",
      argv: ["/usr/sbin/pkg_info", "-Q", "postfix"],
      ...told(args),
    },
    ...Object.fromEntries(
      splitPackagePath(path).flatMap((element): [string, Facts[string]][] => {
        const folder = element.replace(/^file:(\/\/)?/, "");
        if (folder.startsWith("/"))
          return [[`offered in ${element}`, { fact: "list", path: folder }]];
        if (!platform.packages.listedByFtp || !/^(ftp|https?):\/\//.test(element)) return [];
        return [
          [`offered in ${element}`, { fact: "probe", argv: ["ftp", "-V", "-o", "-", element] }],
        ];
      }),
    ),
  };
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
