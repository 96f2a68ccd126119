/**
 * The provider's code in the states: what Pulumi calls for ever, also by a newer version of this package. It is the
 * letters that the SDK made of a provider object in version 0.1.0, and must never change. They stand here as they are,
 * because making them anew costs a program a third of a second in every run, and would be another text with another SDK
 * or compiler.
 */

/** The methods that the engine calls, each with the number of its function in the text. */
const METHODS = [
  ["configure", 1],
  ["check", 3],
  ["diff", 4],
  ["create", 5],
  ["read", 6],
  ["update", 7],
  ["delete", 8],
] as const satisfies readonly (readonly [keyof typeof import("../provider/index"), number])[];

/** Loads the package's provider from the program's folder: it is in its node_modules, or the folder is this package. */
const FROM_PROGRAM = `return (method, ...args) => require("module")
        .createRequire(process.cwd() + "/package.json")("pulumi-openbsd-postfix/provider")[method](kind, ...args);`;

/**
 * The same for a program that has this package only through another one, where node_modules is strict or nested (pnpm,
 * some installations by npm): looks through the dependencies of the program, and theirs, the nearest first. A destroy
 * runs no program, so the text has to do that by itself.
 */
const THROUGH_PACKAGES = `return (method, ...args) => {
        /* eslint-disable @typescript-eslint/no-require-imports */
        const { createRequire } = require("module");
        const { existsSync, realpathSync } = require("fs");
        /* eslint-enable */
        const attempt = (answer) => {
            try {
                return answer();
            }
            catch {
                return undefined;
            }
        };
        // What is added on the way is visited as well.
        const folders = new Set([process.cwd()]);
        for (const folder of folders) {
            const load = createRequire(folder + "/package.json");
            const found = attempt(() => load.resolve("pulumi-openbsd-postfix/provider"));
            if (found !== undefined)
                return load(found)[method](kind, ...args);
            const manifest = attempt(() => load("./package.json"));
            const names = { ...manifest?.dependencies, ...manifest?.devDependencies };
            for (const name of Object.keys(names)) {
                const places = load.resolve.paths(name)?.map((modules) => modules + "/" + name);
                const place = places?.find((one) => existsSync(one));
                if (place !== undefined)
                    folders.add(realpathSync(place));
            }
        }
        throw new Error("pulumi-openbsd-postfix is neither in the node_modules of " +
            process.cwd() +
            " nor in those of the packages that its package.json names: install it there");
    };`;

/** How a text finds the package. */
export type Finding = "from the program" | "through packages";

/** The text for a kind. */
export function providerText(kind: string, finding: Finding): string {
  const call = finding === "from the program" ? FROM_PROGRAM : THROUGH_PACKAGES;
  const parts = [
    "exports.handler = __f0;",
    `var __provider = {${METHODS.map(([name, at]) => `${name}: __f${at}`).join(", ")}};`,
    functionText(2, `kind: ${JSON.stringify(kind)}`, call, "__0"),
    ...METHODS.map(([name, at]) =>
      functionText(at, "call: __f2", `return (...args) => call("${name}", ...args);`),
    ),
    functionText(0, "provider: __provider", "return () => provider;"),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** A function with what it captured. */
function functionText(at: number, captured: string, body: string, parameter = ""): string {
  return `function __f${at}(${parameter}) {
  return (function() {
    with({ ${captured}, this: undefined, arguments: undefined }) {

${body}

    }
  }).apply(undefined, undefined).apply(this, arguments);
}`;
}
