/** The releases of OpenBSD that a test host can be shaped like, and their order. */

/** All releases since 4.7. `openbsd/releases.table` has a row for each. */
export const releases = [
  ...(["4.7", "4.8", "4.9"] as const),
  ...(["5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.9"] as const),
  ...(["6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9"] as const),
  ...(["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8"] as const),
] as const;

/** A release by its number. */
export type Release = (typeof releases)[number];

/**
 * One release of each family, the newest first. Releases of a family handle mail, boot and services the same way.
 * 5.7 and 7.8 belong to the same family; both are here because rcctl(8) was new in 5.7 and has changed since.
 */
export const familyReleases = ["7.8", "5.7", "5.6", "5.0", "4.7"] as const satisfies Release[];

/** A release as a number that can be compared: "5.0" is 500. */
export function ordinal(release: string): number {
  const [major, minor] = release.split(".").map(Number);
  return (major ?? 0) * 100 + (minor ?? 0);
}

/** Whether `release` is older than `other`. */
export function isBefore(release: Release, other: Release): boolean {
  return ordinal(release) < ordinal(other);
}
