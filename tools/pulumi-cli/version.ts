/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** Reads the first version number in a text such as `v3.259.0` or `go version go1.25.11 linux/amd64`. */
export function parseVersion(text: string): Version | undefined {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)] : undefined;
}

/** Whether `version` is `floor` or newer. */
export function isAtLeast(version: Version, floor: Version): boolean {
  for (const index of [0, 1, 2] as const) {
    if (version[index] !== floor[index]) return version[index] > floor[index];
  }
  return true;
}

/** Dotted form. */
export function formatVersion(version: Version): string {
  return version.join(".");
}
