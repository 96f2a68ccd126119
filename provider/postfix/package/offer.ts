/** Asking which packages of Postfix the repositories of a host offer. */
import type { Bytes } from "../../formats/bytes";
import { contentsOf, type FileState } from "../../host/host";
import { file, list, Look, printed, probe, type ProbeAnswer } from "../../host/look";
import { installPaths, type Offered, splitPackagePath } from "../../openbsd/packages";
import type { Platform } from "../../openbsd/platform";
import { lastLines } from "../../values/readable";

/** Where a package path may be named, to 6.0 (pkg.conf(5)). */
export const PKG_CONF = "/etc/pkg.conf";

/** Where a mirror is named, from 6.1 on (installurl(5)). */
const INSTALLURL = "/etc/installurl";

interface Offer extends Offered {
  /** pkg_info(1) has waited in vain for the lock on the package database, so its answer is missing. */
  readonly locked: boolean;
}

/** Where to ask: what PKG_PATH is set to, or nothing for where the host itself looks. */
type Place = string | undefined;

/** The variable by which pkg_add and pkg_info look in a package path; without that, they look where the host says. */
export function packagePathVariable({ packagePath }: { readonly packagePath?: Place }): {
  readonly env?: { readonly PKG_PATH: string };
} {
  return packagePath === undefined ? {} : { env: { PKG_PATH: packagePath } };
}

/**
 * What the repositories offer. A folder on the host is listed, and pkg_info(1) is asked for all else. As that prints only
 * what the first repository offers that has any match, be it postfixadmin, each repository is asked by itself on releases
 * that cannot ask all of them at once (docs/openbsd.md 1.1).
 */
export function offer(
  args: { readonly packagePath?: string },
  pkgConf: FileState,
  platform: Platform,
): Look<Offer> {
  return placesToAsk(args, pkgConf, platform)
    .andThen((places) =>
      Look.all(Object.fromEntries(places.map((place, at) => [String(at), ask(place, platform)]))),
    )
    .map((answers) => {
      const all = Object.values(answers);
      return {
        names: [...new Set(all.flatMap(({ names }) => names))],
        answers: [...new Set(all.map(({ said }) => said))].join(", and "),
        locked: all.some(({ locked }) => locked),
      };
    });
}

function placesToAsk(
  { packagePath }: { readonly packagePath?: string },
  pkgConf: FileState,
  platform: Platform,
): Look<readonly Place[]> {
  const { queriesAll, repositoryFile } = platform.packages;
  if (packagePath !== undefined) {
    const elements = splitPackagePath(packagePath);
    const areFolders = elements.every((element) => folderOf(element) !== undefined);
    return Look.of(queriesAll && !areFolders ? [packagePath] : elements);
  }
  if (queriesAll) return Look.of([undefined]);
  if (repositoryFile === INSTALLURL) return placesOfMirror(platform);
  const named = installPaths(contentsOf(pkgConf) ?? "");
  // Letters after % stand for parts that pkg_add itself fills in (pkg.conf(5)).
  const whole = named.filter((path) => !path.includes("%"));
  return Look.of(whole.length > 0 && whole.length === named.length ? whole : [undefined, ...whole]);
}

/** The two folders of a mirror that pkg_add(1) of 6.1 and later looks into, besides what the host itself says. */
function placesOfMirror({ release }: Platform): Look<readonly Place[]> {
  return Look.all({ url: file(INSTALLURL), arch: probe(["/usr/bin/arch", "-s"]) }).map(
    ({ url, arch }) => {
      const mirror = (contentsOf(url) ?? "")
        .split("\n")
        .map((line) => line.trim())
        .find((line) => line !== "" && !line.startsWith("#"));
      const machine = printed(arch)?.trim();
      if (mirror === undefined || machine === undefined) return [undefined];
      const base = `${mirror.replace(/\/$/, "")}/${release}`;
      return [undefined, `${base}/packages-stable/${machine}/`, `${base}/packages/${machine}/`];
    },
  );
}

/** The folder of the host that an element of a package path names. */
function folderOf(element: string): string | undefined {
  const folder = element.replace(/^file:(\/\/)?/, "");
  return folder.startsWith("/") ? folder : undefined;
}

interface Answer {
  readonly names: readonly string[];
  readonly said: string;
  readonly locked: boolean;
}

function ask(place: Place, platform: Platform): Look<Answer> {
  const folder = place === undefined ? undefined : folderOf(place);
  if (folder !== undefined)
    return list(folder).map((files) => ({
      names: namesIn((files ?? []).join("\n")),
      said: `${folder} ${files === null ? "is no folder of the host" : "has no postfix-*.tgz"}`,
      locked: false,
    }));
  const { queriesAll, listedByFtp } = platform.packages;
  const query = ["/usr/sbin/pkg_info", queriesAll ? "-aQ" : "-Q", "postfix"];
  const options = packagePathVariable(place === undefined ? {} : { packagePath: place });
  // pkg_info(1) of the oldest releases is not documented to know -Q (docs/openbsd.md 1.1).
  const ftp = listedByFtp && place !== undefined && /^(ftp|https?):\/\//.test(place);
  return Look.all({
    asked: probe(query, options),
    listed: ftp ? probe(["ftp", "-V", "-o", "-", place]) : Look.of(undefined),
  }).map(({ asked, listed }) => ({
    names: namesIn(`${outputOf(asked)}\n${listed === undefined ? "" : outputOf(listed)}`),
    said: `\`${place === undefined ? "" : `PKG_PATH=${place} `}${query.join(" ")}\` ${replyOf(asked)}`,
    locked: !("notFound" in asked) && asked.timedOut && /already locked/.test(asked.stderr),
  }));
}

function outputOf(answer: ProbeAnswer): Bytes {
  return "notFound" in answer ? "" : answer.stdout;
}

/** What came back, in words. */
function replyOf(answer: ProbeAnswer): string {
  if ("notFound" in answer) return "is no program of the host";
  const lines = lastLines(`${answer.stdout}\n${answer.stderr}`, 4).replace(/\n/g, "; ");
  const end = answer.timedOut ? "did not end in time" : "";
  const text = lines === "" ? "printed nothing" : `printed: ${lines}`;
  return end === "" ? text : `${end}, and ${text}`;
}

function namesIn(text: Bytes): string[] {
  const names = text.match(/\bpostfix-\d[^\s"<>()]*/g) ?? [];
  return names.map((name) => name.replace(/\.tgz$/, ""));
}
