/**
 * The process in which the engine runs dynamic providers, in place of the one that the CLI brings, for programs whose
 * Pulumi.yaml names this folder. It is the SDK's own program (`@pulumi/pulumi/cmd/dynamic-provider`), as the program's
 * folder has it, so whatever it answers is what the SDK answers, in every version and for every provider. But of what the
 * SDK loads at the start and no dynamic provider needs, among it TypeScript and npm's arborist, nothing is loaded before
 * it is used.
 */
import { dirname } from "node:path";
import { keepCompiled } from "./compileCache";
import { defer, requireOf } from "./deferred";

keepCompiled();

const program = requireOf(process.cwd()).resolve("@pulumi/pulumi/cmd/dynamic-provider");
const sdk = requireOf(dirname(program));
const ends = [
  // Of the whole runtime the SDK's program wants the options for gRPC, which are among the settings.
  defer(sdk, "../../runtime", (property) => {
    const settings = sdk("../../runtime/settings") as Record<PropertyKey, unknown>;
    return settings[property];
  }),
  // For the versions of plugins, and for traces.
  defer(sdk, "semver"),
  defer(sdk, "@opentelemetry/api"),
];
// The SDK takes the engine's address from the second argument after this.
process.argv[1] = program;
sdk(program);
for (const end of ends) end();
