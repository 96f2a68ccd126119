/**
 * Says things to the user under the resource they are about, by the engine's own Log RPC: a provider's console is not
 * shown there. The engine's address is the first argument of the provider process.
 */
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { createRequire } from "node:module";
import { mask } from "./secrets/masking";

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

let said: Promise<void> = Promise.resolve();

const listeners: ((urn: string, severity: Severity, text: string) => void)[] = [];

/** For tests without an engine: hears all that is said. */
export function onSay(listener: (urn: string, severity: Severity, text: string) => void): void {
  listeners.push(listener);
}

/** Says `text`, without its secrets, under the resource `urn`; `ephemeral` for a status line that the next one replaces. */
export async function say(
  urn: string,
  severity: Severity,
  text: string,
  options: { readonly ephemeral?: boolean } = {},
): Promise<void> {
  const shown = mask(text);
  if (!options.ephemeral) for (const listener of listeners) listener(urn, severity, shown);
  const rpc = engine();
  if (!rpc) return;
  const request = new LogRequest();
  request.setSeverity(
    { info: LogSeverity.INFO, warning: LogSeverity.WARNING, error: LogSeverity.ERROR }[severity],
  );
  request.setMessage(shown);
  request.setUrn(urn);
  request.setStreamid(0);
  request.setEphemeral(options.ephemeral ?? false);
  // One after the other: calls on their way at the same time arrive in any order. What cannot be said is no reason to
  // fail: the engine is on its way out, then.
  said = said.then(() => new Promise<void>((resolve) => rpc.log(request, () => resolve())));
  await said;
}
