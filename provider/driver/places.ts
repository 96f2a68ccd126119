/** Finding what stands in the way of a plan's changes before the first one is made. */
import type { Change, Failure } from "../contract/kind";
import type { FactAnswers, HostReader } from "../host/host";
import { Look, lookAt, type Place, placeState } from "../host/look";

/** What stands in the way, and which files are meant. */
interface InTheWay {
  /** Why files or folders cannot be changed, by their paths. */
  readonly obstacles: readonly Failure[];
  /** Paths whose folder does not exist: something outside of the plan may still make it. */
  readonly withoutFolder: readonly string[];
  /** Paths with links in them, with the paths that they lead to. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** What the host has said of places. */
export type Places = ReadonlyMap<string, FactAnswers["place"]>;

const nameOf = ({ path, entry }: Place): string => `${entry === true ? "entry " : ""}${path}`;

/** Asks about several places. */
export function placesLook(places: readonly Place[]): Look<Places> {
  const byName = new Map(places.map((place) => [nameOf(place), place]));
  return Look.all(
    Object.fromEntries([...byName].map(([name, place]) => [name, placeState(place)])),
  ).map((states) => new Map(Object.entries(states)));
}

/** The places that a plan changes which changes files at these paths. */
export function placesAt(paths: readonly string[]): readonly Place[] {
  return paths.flatMap((path) => [{ path }, { path, entry: true as const }]);
}

/**
 * Asks the host whether it lets root change what a plan changes: folders in which other users could interfere, links to
 * nowhere, hard links, immutable files and read-only disks are found so. Nothing is asked for a plan without changes.
 *
 * @param known what a look has asked already
 * @param coming in a preview: does an earlier step of the same plan bring this path?
 */
export async function inTheWay(
  host: HostReader,
  changes: readonly Change[],
  known: Places,
  coming: (path: string) => boolean = () => false,
): Promise<InTheWay> {
  const places = changes.flatMap(placesOf);
  const unknown = places.filter((place) => !known.has(nameOf(place)));
  const states = new Map([...known, ...(await lookAt(host, placesLook(unknown)))]);
  const seen = places.flatMap((place) => {
    const state = states.get(nameOf(place));
    return state === undefined ? [] : [[place.path, state] as const];
  });
  const found = seen.flatMap(([path, state]) => ("reason" in state ? [{ path, ...state }] : []));
  return {
    aliases: new Map(
      seen.flatMap(([path, state]) =>
        "real" in state && state.real !== path ? [[path, state.real] as const] : [],
      ),
    ),
    obstacles: found
      .filter(({ noFolder }) => !noFolder)
      .map(({ path, reason }) => ({ path, reason: `${reason}.` })),
    withoutFolder: found
      .filter(({ path, noFolder }) => noFolder && !coming(path))
      .map(({ path }) => path),
  };
}

function placesOf(change: Change): readonly Place[] {
  if (change.change === "act") return change.places ?? [];
  return [change.change === "remove" ? { path: change.path, entry: true } : { path: change.path }];
}
