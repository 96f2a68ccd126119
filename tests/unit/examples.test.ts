/** Every example in the documentation is a program that compiles against the package as it is. */
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { programText } from "../../tools/demo/program";

const repository = resolve(__dirname, "../..");

interface Example {
  /** Where it stands, as in "components/mainCf.ts:24". */
  readonly place: string;
  readonly text: string;
}

/** Blocks of TypeScript between fences; in a comment, each line begins with an asterisk. */
function blocksOf(path: string): Example[] {
  const content = readFileSync(join(repository, path), "utf8");
  return [...content.matchAll(/^( *\* )?```ts\n([^]*?)^ *(?:\* )?```$/gm)].map((match) => ({
    place: `${path}:${content.slice(0, match.index).split("\n").length + 1}`,
    text: match[1] === undefined ? (match[2] ?? "") : (match[2] ?? "").replace(/^ *\* ?/gm, ""),
  }));
}

const components = readdirSync(join(repository, "components"), { recursive: true })
  .map((name) => `components/${String(name)}`)
  .filter((name) => name.endsWith(".ts"));
const pages = readdirSync(join(repository, "docs"), { recursive: true })
  .map((name) => `docs/${String(name)}`)
  // What is in the reference stands in the components.
  .filter((name) => name.endsWith(".md") && !name.startsWith("docs/reference"));
const inPages = pages.flatMap(blocksOf);
const inReadme = blocksOf("README.md");
const inComponents = components.flatMap(blocksOf);
const examples: readonly Example[] = [
  ...inReadme,
  ...inPages,
  ...inComponents,
  { place: "the demo's program for 7.8", text: programText("7.8") },
  { place: "the demo's program for 4.7", text: programText("4.7") },
];

/** The repository's own settings; an example may declare what only its reader goes on to use. */
function compilerOptions(): ts.CompilerOptions {
  const file = join(repository, "tsconfig.json");
  const read = ts.readConfigFile(file, (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, repository);
  return { ...options, noEmit: true, noUnusedLocals: false, types: ["node"] };
}

/** What the compiler says of each text, as one program; nothing is written. */
function complaints(texts: readonly string[]): string[][] {
  const options = compilerOptions();
  // As if they stood beside index.ts, from where the package is found by its name.
  const files = new Map(texts.map((text, at) => [join(repository, `example-${at}.ts`), text]));
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => files.has(name) || disk.fileExists(name),
    readFile: (name) => files.get(name) ?? disk.readFile(name),
    getSourceFile: (name, languageVersion, ...rest) => {
      const text = files.get(name);
      return text === undefined
        ? disk.getSourceFile(name, languageVersion, ...rest)
        : ts.createSourceFile(name, text, languageVersion);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((name) => {
    const source = program.getSourceFile(name);
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map((found) => ts.flattenDiagnosticMessageText(found.messageText, "\n"));
  });
}

/** Not part of the documentation: they show that the check below sees what it looks for. */
const wrong = [
  'import { MainCf } from "pulumi-openbsd-postfix";\nnew MainCf("main", { connection: { host: "mx1" }, parameter: {} });\n',
  'import { NoSuchComponent } from "pulumi-openbsd-postfix";\nexport const none = NoSuchComponent;\n',
];

let found: string[][];

beforeAll(() => {
  found = complaints([...examples.map(({ text }) => text), ...wrong]);
}, 120_000);

test("there are examples in the README and in the components", () => {
  expect(inReadme.length).toBeGreaterThan(0);
  expect(inComponents.length).toBeGreaterThan(0);
});

test.each(examples.map(({ place }, at) => [place, at] as const))("%s compiles", (_place, at) => {
  expect(found[at]).toEqual([]);
});

test("an argument or a component that does not exist would be noticed", () => {
  const [argument, component] = found.slice(examples.length);
  expect(argument?.join()).toContain("'parameter' does not exist");
  expect(component?.join()).toContain("no exported member 'NoSuchComponent'");
});
