// Makes docs/reference.md, what each step takes and gives, from the TSDoc of provider/arguments/ and components/. That the
// schemas take just what these interfaces say is held by the compiler.
//
//   node tools/reference.mjs            # prints it
//   node tools/reference.mjs --write    # writes it
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const OUT = new URL("../docs/reference.md", import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));

const INTRODUCTION = `# Reference

Made from the comments in the source by \`npm run docs\`: change it there.

Every argument may be an output of something else (\`pulumi.Input\`), and so may every part of one. A name that is none
fails the preview, at any depth. Every step takes a \`connection\` besides its own arguments, and every step gives
\`revision\`, a number that rises with each change of the host, and \`release\`, the host's OpenBSD release, as in "7.8".
`;

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config,
  ts.sys,
  root,
);
const program = ts.createProgram([`${root}components/index.ts`], options);
const checker = program.getTypeChecker();

/** Text as one line of Markdown; a link is the name of what it leads to. */
const flat = (text) =>
  text
    .replace(/\{@link (?:\w+\.)?(\w+) ?\}/g, "`$1`")
    .replace(/\s*\n\s*/g, " ")
    .trim();

const documentation = (symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker));

const tag = (symbol, name) => {
  const found = symbol.getJsDocTags(checker).find((one) => one.name === name);
  return found && flat(ts.displayPartsToString(found.text));
};

/** The interface or alias that a name in a type stands for, where it is one of ours. */
function declared(node) {
  if (!ts.isTypeReferenceNode(node)) return undefined;
  const symbol = checker.getSymbolAtLocation(node.typeName);
  const aliased = symbol && symbol.flags & ts.SymbolFlags.Alias;
  const declaration = (aliased ? checker.getAliasedSymbol(symbol) : symbol)?.declarations?.[0];
  const file = declaration?.getSourceFile().fileName ?? "";
  return file.startsWith(`${root}provider/`) || file.startsWith(`${root}components/roles/`)
    ? declaration
    : undefined;
}

/** What may stand under names that are not known, in a type that is put together. */
const indexOf = (node) =>
  node.types
    .filter(ts.isTypeLiteralNode)
    .flatMap((one) => one.members.filter(ts.isIndexSignatureDeclaration))
    .map((member) => typeText(member.type).replace(/ \| undefined$/, ""))[0];

/** A type without what every argument is, and with `object` for an interface of its own. */
function typeText(node) {
  const declaration = declared(node);
  if (declaration && ts.isInterfaceDeclaration(declaration)) return "object";
  if (declaration && ts.isTypeAliasDeclaration(declaration)) return typeText(declaration.type);
  if (ts.isUnionTypeNode(node)) return [...new Set(node.types.map(typeText))].join(" | ");
  if (ts.isIntersectionTypeNode(node)) return `Record<string, ${indexOf(node)}>`;
  if (ts.isTypeOperatorNode(node)) return typeText(node.type);
  if (ts.isArrayTypeNode(node)) {
    const item = typeText(node.elementType);
    return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
  }
  if (!ts.isTypeReferenceNode(node)) return node.getText();
  const [first, second] = node.typeArguments ?? [];
  const name = node.typeName.getText();
  if (name === "Record") return `Record<string, ${typeText(second)}>`;
  const unwrapped = ["Readonly", "Omit", "Partial", "pulumi.Input", "pulumi.Output"];
  if (!unwrapped.includes(name)) return name;
  return [...new Set(typeText(first).split(" | "))].join(" | ");
}

/** An interface of its own in a type, and how a path goes on to what is in it. */
function within(node, path = "") {
  const declaration = declared(node);
  if (declaration && ts.isInterfaceDeclaration(declaration)) return { declaration, path };
  if (ts.isUnionTypeNode(node))
    return node.types.map((one) => within(one, path)).find((one) => one !== undefined);
  if (!ts.isTypeReferenceNode(node)) return undefined;
  const [first, second] = node.typeArguments ?? [];
  if (node.typeName.getText() === "Record") return within(second, `${path}.*`);
  return node.typeName.getText() === "Readonly" ? within(first, path) : undefined;
}

const code = (text) => (text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``);
const cell = (text) => text.replaceAll("|", "\\|");
const row = (cells) => `| ${cells.map(cell).join(" | ")} |`;
const table = (heads, rows) => [row(heads), row(heads.map(() => "---")), ...rows].join("\n");

function argumentRows(declaration, path = "", around = []) {
  return declaration.members.filter(ts.isPropertySignature).flatMap((member) => {
    const symbol = checker.getSymbolAtLocation(member.name);
    const name = `${path}${member.name.getText()}`;
    const otherwise = member.questionToken ? (tag(symbol, "defaultValue") ?? "") : "*required*";
    const inner = within(member.type);
    return [
      row([code(name), code(typeText(member.type)), otherwise, flat(documentation(symbol))]),
      // An interface that may hold itself is told once.
      ...(inner && !around.includes(inner.declaration)
        ? argumentRows(inner.declaration, `${name}${inner.path}.`, [...around, inner.declaration])
        : []),
    ];
  });
}

function argumentTable(...declarations) {
  const rows = declarations.flatMap((one) => argumentRows(one));
  if (rows.length === 0) return "It takes no arguments of its own.";
  return table(["argument", "type", "default", "meaning"], rows);
}

function outputTable(declaration) {
  const outputs = declaration.members.filter(
    (member) => ts.isPropertyDeclaration(member) && member.type,
  );
  if (outputs.length === 0) return [];
  const rows = outputs.map((member) => {
    const symbol = checker.getSymbolAtLocation(member.name);
    return row([
      code(member.name.getText()),
      code(typeText(member.type)),
      flat(documentation(symbol)),
    ]);
  });
  return [table(["output", "type", "meaning"], rows)];
}

/** The declaration of a name in a file. */
function find(file, name) {
  const found = program
    .getSourceFile(`${root}${file}`)
    ?.statements.find((one) => one.name?.getText() === name);
  if (!found) throw new Error(`${file} has no ${name}`);
  return found;
}

function section(name) {
  const file = `${name[0].toLowerCase()}${name.slice(1)}.ts`;
  const isRole = existsSync(`${root}components/roles/${file}`);
  const source = isRole ? `components/roles/${file}` : `components/${file}`;
  const component = find(source, name);
  const own = isRole
    ? source
    : name === "PostfixServer"
      ? "components/serverArguments.ts"
      : `provider/arguments/${file}`;
  const what = documentation(checker.getSymbolAtLocation(component.name));
  return [
    `## ${name}`,
    what.split(/\n\n/).map(flat).join("\n\n"),
    argumentTable(find(own, `${name}Args`)),
    ...outputTable(component),
  ].join("\n\n");
}

const exported = checker.getExportsOfModule(
  checker.getSymbolAtLocation(program.getSourceFile(`${root}components/index.ts`)),
);
const components = exported
  .map((symbol) => checker.getAliasedSymbol(symbol))
  .filter((symbol) => symbol.flags & ts.SymbolFlags.Class && symbol.name !== "Step")
  .map((symbol) => symbol.name)
  .sort((left, right) => (right === "PostfixServer") - (left === "PostfixServer"));
const [hop, connection] = ["ConnectionHop", "ConnectionArgs"].map((name) =>
  find("provider/arguments/connection.ts", name),
);
const reference = `${[
  INTRODUCTION.trim(),
  ...components.map(section),
  "## connection",
  documentation(checker.getSymbolAtLocation(connection.name)).split(/\n\n/).map(flat).join("\n\n"),
  argumentTable(hop, connection),
].join("\n\n")}\n`;

if (process.argv[2] === "--write") writeFileSync(OUT, reference);
else process.stdout.write(reference);
