/** What a program can import says what it is: each exported name, and each member that it has. */
import { join, resolve } from "node:path";
import ts from "typescript";

const repository = resolve(__dirname, "../..");
const ENTRIES = ["components/index.ts", "testing/index.ts", "provider/index.ts"];

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(repository, "tsconfig.json"), (path) => ts.sys.readFile(path)).config,
  ts.sys,
  repository,
);
let program: ts.Program;
let checker: ts.TypeChecker;

beforeAll(() => {
  program = ts.createProgram(
    ENTRIES.map((path) => join(repository, path)),
    options,
  );
  checker = program.getTypeChecker();
}, 120_000);

const isDocumented = (symbol: ts.Symbol): boolean =>
  symbol.getDocumentationComment(checker).length > 0;

const isOurs = (symbol: ts.Symbol): boolean =>
  (symbol.declarations ?? []).some((one) => {
    const { fileName } = one.getSourceFile();
    return fileName.startsWith(repository) && !fileName.includes("/node_modules/");
  });

const isPublic = (symbol: ts.Symbol): boolean =>
  (symbol.declarations ?? []).every((one) => {
    const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
    if ((ts.getCombinedModifierFlags(one) & hidden) !== 0) return false;
    const name = ts.getNameOfDeclaration(one);
    return name === undefined || !ts.isPrivateIdentifier(name);
  });

/** The names below an exported one that have no words of their own. */
function silentMembers(symbol: ts.Symbol): readonly string[] {
  if (
    (symbol.flags &
      (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) ===
    0
  )
    return [];
  return checker
    .getDeclaredTypeOfSymbol(symbol)
    .getProperties()
    .filter((member) => isOurs(member) && isPublic(member) && !isDocumented(member))
    .map((member) => `${symbol.name}.${member.name}`);
}

/** The names of an entry that have no words, or have members without. */
function silent(entry: string): readonly string[] {
  const source = program.getSourceFile(join(repository, entry));
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} exports nothing`);
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    return [...(isDocumented(symbol) ? [] : [symbol.name]), ...silentMembers(symbol)];
  });
}

test.each(ENTRIES)("every name that %s exports is documented, and so are its members", (entry) => {
  expect(silent(entry)).toEqual([]);
});
