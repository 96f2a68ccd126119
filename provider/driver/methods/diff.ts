/** `diff`: compares the live values with the wanted ones. */
import type { AnyKind } from "../../contract/kind";
import { differsAt, equal, isUnknown } from "../../values/json";
import { type Values, connectionOf, without } from "../state";

export interface DiffAnswer {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

/**
 * Compares the live values in the state with the wanted ones; pure. The owner and the driver's own outputs do not count.
 * `replaceOnChanges` is applied here, because the engine applies it to the differences of single properties, and the SDK
 * passes none of these on to it.
 */
export function diff(_kind: AnyKind, olds: Values, news: Values): DiffAnswer {
  const wanted = without(news, ["owner", "replaceOnChanges"]);
  const changes =
    olds["unread"] !== undefined ||
    olds["failed"] !== undefined ||
    Object.entries(wanted).some(([key, value]) => !equal(olds[key], value)) ||
    Object.keys((olds["applied"] as Values | undefined) ?? {}).some(
      (key) => key !== "owner" && key !== "replaceOnChanges" && wanted[key] === undefined,
    );
  const asked = ((news["replaceOnChanges"] as readonly string[] | undefined) ?? []).filter((path) =>
    differsAt(path, olds, wanted),
  );
  const replaces = [...(hasMoved(olds, news) ? ["connection"] : []), ...asked];
  return { changes, replaces, deleteBeforeReplace: false };
}

/** Has the host another name than before? A name that is not known yet may be the same. */
export function hasMoved(olds: Values, news: Values): boolean {
  const [before, after] = [olds, news].map((values) => {
    const connection: unknown = connectionOf(values);
    return typeof connection === "object" && connection !== null
      ? (connection as Values)["host"]
      : undefined;
  });
  return before !== undefined && after !== undefined && !isUnknown(after) && before !== after;
}
