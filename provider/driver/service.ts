/**
 * The service that all kinds set up together, as the driver knows it. `provider/index.ts` hands it to the driver, which
 * knows nothing else of Postfix.
 */
import type { KeyedText } from "../contract/keyedText";
import type { AnyKind, Plan } from "../contract/kind";
import type { FoundFile, HostReader, HostWriter } from "../host/host";
import type { HostRecord } from "../host/record";
import type { Platform } from "../openbsd/platform";

export interface Service {
  /** Which mailer serves on the host now, as a sentence without its full stop: "Postfix runs". */
  whoServes(host: HostReader, platform: Platform): Promise<string>;
  /** Makes the service, if it runs, read its files again. */
  reload(host: HostWriter): Promise<void>;
  /**
   * Adds to the record the reload or restart that the service needs after a plan, and the contents that the files had when
   * the service last served. `files` are the files with keys of the plan's resource, as they are on the host.
   */
  noteUntold(
    record: HostRecord,
    plan: Plan,
    files: Readonly<Record<string, FoundFile>>,
  ): HostRecord;
  /** The format that finds the secrets which a kind has in the record; `undefined` for an unknown kind. */
  keyedText(kind: string, platform: Platform): KeyedText | undefined;
}

/** A kind, with the service that it helps to set up. */
export type ServiceKind = AnyKind & { readonly service: Service };
