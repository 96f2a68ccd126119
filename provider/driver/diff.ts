/** `diff`: live values against wanted ones. */
import { type ConnectionArgs } from "../host/connection";
import { equal, isUnknown } from "../json";
import { type AnyKind } from "../resource";
import { SCHEMA, type Values, connectionOf, without } from "./state";

export interface DiffAnswer {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

/** Pure: live values against wanted ones. The owner's name and what only we keep are no difference. */
export function diff(_kind: AnyKind, olds: Values, news: Values): DiffAnswer {
  const wanted = without(news, ["owner"]);
  const changes =
    olds["unread"] !== undefined ||
    olds["failed"] !== undefined ||
    olds["schema"] !== SCHEMA ||
    Object.entries(wanted).some(([key, value]) => !equal(olds[key], value)) ||
    Object.keys((olds["applied"] as Values | undefined) ?? {}).some(
      (key) => key !== "owner" && wanted[key] === undefined,
    );
  const host = connectionOf(news) as ConnectionArgs | undefined;
  const moved =
    host !== undefined &&
    !isUnknown(host.host) &&
    (olds["connection"] as ConnectionArgs | undefined)?.host !== host.host;
  return { changes, replaces: moved ? ["connection"] : [], deleteBeforeReplace: false };
}
