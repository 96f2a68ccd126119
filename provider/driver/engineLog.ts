/**
 * Shows messages to the user under the resource that they are about, with the engine's Log RPC: the engine does not show
 * the console of a provider there. The engine's address is the first argument of the provider process.
 */
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { createRequire } from "node:module";
import { abridged } from "../values/abridged";
import { shown } from "./shown";

export type Severity = "info" | "warning" | "error";

/** The SDK's own copy of gRPC: a second one would not take the first one's credentials. */
const grpc = createRequire(require.resolve("@pulumi/pulumi/package.json"))("@grpc/grpc-js") as {
  credentials: { createInsecure(): ConstructorParameters<typeof EngineClient>[1] };
};

let client: EngineClient | undefined;

function engine(): EngineClient | undefined {
  const address = process.argv[2];
  // Outside a provider process there is no engine: the tests call the methods directly.
  if (address === undefined || !/^[^/]+:\d+$/.test(address)) return undefined;
  client ??= new EngineClient(address, grpc.credentials.createInsecure());
  return client;
}

let lastMessage: Promise<void> = Promise.resolve();

const listeners: ((urn: string, severity: Severity, text: string) => void)[] = [];

/** Adds a listener for all messages but status lines: for tests without an engine. */
export function onSay(listener: (urn: string, severity: Severity, text: string) => void): void {
  listeners.push(listener);
}

/** Shows `text`, as far as it may be {@link shown}, under the resource `urn`; `ephemeral` is a status line that the next one replaces. */
export async function say(
  urn: string,
  severity: Severity,
  text: string,
  options: { readonly ephemeral?: boolean } = {},
): Promise<void> {
  const message = shown(text);
  if (!options.ephemeral) for (const listener of listeners) listener(urn, severity, message);
  const rpc = engine();
  if (!rpc) return;
  const request = new LogRequest();
  request.setSeverity(
    { info: LogSeverity.INFO, warning: LogSeverity.WARNING, error: LogSeverity.ERROR }[severity],
  );
  request.setMessage(message);
  request.setUrn(urn);
  request.setStreamid(0);
  request.setEphemeral(options.ephemeral ?? false);
  // One after the other, because concurrent calls arrive in any order. An error is ignored: it means that the engine ends.
  lastMessage = lastMessage.then(
    () => new Promise<void>((resolve) => rpc.log(request, () => resolve())),
  );
  await lastMessage;
}

/** Shows warnings, of a long list the first ones. */
export async function warnOf(urn: string, warnings: readonly string[]): Promise<void> {
  const few = abridged(
    warnings,
    (count) =>
      `… and ${count} more warnings like these. When these are settled, the next preview shows what is left.`,
  );
  for (const text of few) await say(urn, "warning", text);
}
