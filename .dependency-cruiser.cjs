/**
 * Who may import whom, type imports included. A folder that is not named here may import anything; what is imported from
 * a package by a few files only is named at the end.
 */

/** Folders below provider/, from the lowest floor up, each with those that it may import besides itself. */
const provider = {
  values: [],
  formats: [],
  arguments: ["values", "formats"],
  host: ["values", "formats", "arguments"],
  openbsd: ["formats"],
  contract: ["values", "formats", "host", "openbsd", "arguments"],
  postfix: ["values", "formats", "host", "openbsd", "contract"],
  judge: ["values", "formats", "host", "openbsd", "arguments", "contract", "postfix"],
  kinds: ["values", "formats", "host", "openbsd", "arguments", "contract", "postfix", "judge"],
  // The driver knows no kind and nothing of Postfix: provider/index.ts hands both over.
  driver: ["values", "formats", "host", "openbsd", "arguments", "contract"],
};

const testing = {
  machine: [],
  image: ["machine"],
  host: ["machine", "image"],
  extras: ["host"],
  pulumi: ["machine", "host"],
};

/** The testing kit gives the connection of its hosts in the type that components take. */
const kit = ["^components/index\\.ts$"];

/** Plain facts about Postfix, which import nothing: everybody may know them. */
const facts = ["^provider/postfix/(tableTypes|knownParameters|paths)\\.ts$"];

const ours = "^(acceptance|components|plugin|provider|testing|tests|tools|examples|index\\.ts)";
const sources = "^(acceptance|components|plugin|provider|testing|tools)/";

/** A folder imports only what stands beside it in the table. */
const floors = (root, table) =>
  Object.entries(table).map(([folder, allowed]) => ({
    name: `${root}/${folder}`,
    comment: `${root}/${folder}/ may import of this repository only ${allowed.join(", ") || "itself"}.`,
    severity: "error",
    from: { path: `^${root}/${folder}/` },
    to: {
      path: ours,
      pathNot: [
        `^${root}/(${[folder, ...allowed].join("|")})/`,
        ...facts,
        ...(folder === "pulumi" ? kit : []),
      ],
    },
  }));

/** A package is known to a few files only. */
const onlyIn = (name, modules, files) => ({
  name,
  comment: `Only ${files.join(", ")} know ${name}.`,
  severity: "error",
  from: { path: sources, pathNot: files.map((file) => `^${file}`) },
  to: { path: `^node_modules/(${modules.join("|")})(/|$)` },
});

module.exports = {
  forbidden: [
    {
      name: "no circles",
      comment:
        "Two files that import each other, by however many others, cannot be understood one by one.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    ...floors("provider", provider),
    ...floors("testing", testing),
    {
      name: "components",
      comment: "Of the provider, a component knows the arguments, and the names of the methods.",
      severity: "error",
      from: { path: "^components/" },
      to: {
        path: ours,
        pathNot: ["^components/", "^provider/arguments/", "^provider/index\\.ts$", ...facts],
      },
    },
    {
      name: "the provider's code stays in its process",
      comment: "Only the types of provider/index.ts are for components.",
      severity: "error",
      from: { path: "^components/" },
      to: { path: "^provider/index\\.ts$", dependencyTypesNot: ["type-import", "type-only"] },
    },
    {
      name: "the lean process knows no step",
      comment:
        "It runs any dynamic provider, ours by the text in the state. Of this repository it knows the folder for what is kept.",
      severity: "error",
      from: { path: "^plugin/" },
      to: { path: ours, pathNot: ["^plugin/", "^testing/machine/folders\\.ts$"] },
    },
    {
      name: "tests and tools alone know the test host",
      comment: "A program of a user never needs the test host.",
      severity: "error",
      from: { path: "^(components|provider)/" },
      to: { path: "^(acceptance|testing|tests|tools)/" },
    },
    {
      name: "the acceptance suite has no side door",
      comment: "It reaches a host by ssh(1), and the package by the Pulumi CLI.",
      severity: "error",
      from: { path: "^acceptance/" },
      to: {
        path: ours,
        pathNot: [
          "^acceptance/",
          "^testing/pulumi/",
          "^testing/(host/snapshot|image/fileTree|machine/runProgram)\\.ts$",
          "^tools/pulumi-cli/automation\\.ts$",
        ],
      },
    },
    onlyIn(
      "Pulumi",
      ["@pulumi"],
      ["components/", "provider/driver/engineLog\\.ts", "testing/", "tools/"],
    ),
    onlyIn("SSH", ["ssh2", "node-ssh"], ["provider/host/ssh/", "testing/"]),
    {
      name: "formats do no I/O",
      comment: "A format is text in, text out.",
      severity: "error",
      from: { path: "^provider/formats/" },
      to: { dependencyTypes: ["core"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
  },
};
