/**
 * What the driver is told of the service that all kinds set up together. `provider/index.ts` hands it to the driver, which
 * knows nothing else of Postfix.
 */
import type { FileState, HostReader, HostWriter } from "../host/host";
import type { HostRecord } from "../host/record";
import type { AnyKind, Plan } from "../kind/kind";
import type { KeyedText } from "../kind/keyedText";
import type { Platform } from "../openbsd/platform";

export interface Service {
  /** Who serves on the host now, as a sentence without its full stop: "Postfix runs". */
  whoServes(host: HostReader, platform: Platform): Promise<string>;
  /** Has the service, where it runs, read its files again. */
  reload(host: HostWriter): Promise<void>;
  /**
   * The record, with what the running service must be told after a plan, and with what stood in the files when it last
   * served. `files` are those that the plan's resource has keys in, as they stand.
   */
  noteUntold(
    record: HostRecord,
    plan: Plan,
    files: Readonly<Record<string, FileState>>,
  ): HostRecord;
  /** The format in which a secret is found that the record has from a kind; `undefined` for an unknown kind. */
  keyedText(kind: string, platform: Platform): KeyedText | undefined;
}

/** A kind with the service that it is part of. */
export type ServiceKind = AnyKind & { readonly service: Service };
