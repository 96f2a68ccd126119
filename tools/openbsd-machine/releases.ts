/** The releases that this knows by their signing keys, and the names of their files. */

/**
 * The keys with which OpenBSD signs the base system of a release, as signify(1) prints them: that of 7.8 is in OpenBSD's
 * source tree (etc/signify/openbsd-78-base.pub), that of 7.9 on https://www.openbsd.org/79.html. `--key` takes any other.
 */
const baseKeys: Readonly<Record<string, string>> = {
  "7.8": "RWS3/nvFmk4SWSmt/5QIk9yB4+uoAGoiYvFhVlDQBG3rWENeeIys0LWB",
  "7.9": "RWTSdNN9A3yvWNn7mUjXwv9DOCOUnyfuV+mq1iGPIfD+NhN8EYnEQ1at",
};

/** The release that is taken where none is named: the newest that provider/openbsd/platform.ts knows. */
export const defaultRelease = "7.8";

/** The key of a release's base system; undefined if it is not known here. */
export function baseKey(release: string): string | undefined {
  return baseKeys[release];
}

/** The releases whose keys are known here. */
export function knownReleases(): string[] {
  return Object.keys(baseKeys);
}

/** A release as it stands in names of files: "78" for 7.8. */
export function inFileNames(release: string): string {
  return release.replace(".", "");
}

/** The set with the files of this package, as install.site(5) names it: "site78.tgz". */
export function siteSet(release: string): string {
  return `site${inFileNames(release)}.tgz`;
}

/** The files of a release that an installation needs, besides the signed list of their digests. */
export function neededFiles(release: string): string[] {
  // The installer fetches BUILDINFO without being asked, and gives up without it where the signed list has it.
  return ["pxeboot", "bsd.rd", "bsd", `base${inFileNames(release)}.tgz`, "BUILDINFO"];
}

/** The signed list of digests: signify(1) with an embedded message. */
export const signedList = "SHA256.sig";
