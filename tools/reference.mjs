// Makes docs/reference.md and a page for each component in docs/reference/, from the TSDoc of provider/arguments/ and
// components/, and the errors from docs/troubleshooting.md. That the schemas take just what these interfaces say is held by
// the compiler.
//
//   node tools/reference.mjs            # prints all pages as JSON, by their paths
//   node tools/reference.mjs --write    # writes them, and removes what is there beside them
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const INDEX = "docs/reference.md";
const FOLDER = "docs/reference";
const COOKBOOK = "docs/cookbook";
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

/** The text of a tag as it stands, of several lines. */
const block = (symbol, name) => {
  const found = symbol.getJsDocTags(checker).find((one) => one.name === name);
  return found && ts.displayPartsToString(found.text).trim();
};

const read = (path) => readFileSync(`${root}${path}`, "utf8");

/** What GitHub makes of a heading for links to it. */
const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

/** The errors of docs/troubleshooting.md: each heading, and under it, in italics, the components that print it. */
const errors = [...read("docs/troubleshooting.md").matchAll(/^### (.*)\n\n\*([^*]*)\*/gm)].map(
  ([, heading, of]) => ({ heading, of: of.replace(/\.$/, "").split(", ") }),
);

const errorList = (name) => {
  const own = errors.filter(({ of }) => of.includes(name));
  const link = ({ heading }) => `- [${heading}](../troubleshooting.md#${anchorOf(heading)})`;
  const general = `- of every step: [the connection, the host and the run](../troubleshooting.md)`;
  return [...own.map(link), general].join("\n");
};

const recipes = readdirSync(`${root}${COOKBOOK}`)
  .filter((file) => file.endsWith(".md") && file !== "README.md")
  .sort()
  .map((file) => {
    const text = read(`${COOKBOOK}/${file}`);
    return { file, title: /^# (.*)$/m.exec(text)?.[1] ?? file, text };
  });

function seeAlso(name, imported) {
  const pages = recipes.filter(({ text }) => new RegExp(`\\bnew ${name}\\(`).test(text));
  return [
    ...imported.map((one) => `- [${one}](${one}.md)`),
    ...pages.map(({ file, title }) => `- [${title}](../cookbook/${file})`),
    "- [connection](connection.md), [the guide on each release](../guide.md)",
  ].join("\n");
}

const summaryOf = (text) => flat(text.split(/\n\n/)[0]).split(/(?<=[a-z)`]\.) (?=[A-Z])/)[0];

function page(name) {
  const file = `${name[0].toLowerCase()}${name.slice(1)}.ts`;
  const isRole = existsSync(`${root}components/roles/${file}`);
  const source = isRole ? `components/roles/${file}` : `components/${file}`;
  const component = find(source, name);
  const symbol = checker.getSymbolAtLocation(component.name);
  const own = isRole
    ? source
    : name === "PostfixServer"
      ? "components/serverArguments.ts"
      : `provider/arguments/${file}`;
  const what = documentation(symbol);
  const links = [...what.matchAll(/\{@link (\w+) ?\}/g)].map(([, linked]) => linked);
  const linked = [...new Set(links)].filter((one) => one !== name && components.includes(one));
  const wanted = (tagName) => {
    const text = tag(symbol, tagName);
    if (text === undefined) throw new Error(`${source}: the comment of ${name} has no @${tagName}`);
    return text;
  };
  const outputs = outputTable(component);
  return {
    summary: summaryOf(what),
    text: [
      `# ${name}`,
      what.split(/\n\n/).map(flat).join("\n\n"),
      "## Arguments",
      `A [connection](connection.md), and:`,
      argumentTable(find(own, `${name}Args`)),
      "## Outputs",
      ...(outputs.length > 0 ? outputs : ["It has no outputs of its own."]),
      "## What it owns",
      wanted("owns"),
      "## What destroy does",
      wanted("destroy"),
      "## What differs by release",
      tag(symbol, "releases") ?? "Nothing that a program has to know.",
      "## Errors",
      errorList(name),
      "## Example",
      block(symbol, "example"),
      "## See also",
      seeAlso(name, linked),
    ].join("\n\n"),
  };
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
const connectionSymbol = checker.getSymbolAtLocation(connection.name);
const pages = components.map((name) => ({ name, ...page(name) }));
const rows = [
  ...pages.map(({ name, summary }) => row([`[\`${name}\`](reference/${name}.md)`, summary])),
  row(["[`connection`](reference/connection.md)", summaryOf(documentation(connectionSymbol))]),
];
const MADE = "Made from the comments in the source by `npm run docs`: change it there.";
const made = Object.fromEntries(
  [
    [
      INDEX,
      [
        INTRODUCTION.trim(),
        [row(["component", "what it is"]), row(["---", "---"]), ...rows].join("\n"),
      ],
    ],
    ...pages.map(({ name, text }) => [`${FOLDER}/${name}.md`, [text, MADE]]),
    [
      `${FOLDER}/connection.md`,
      [
        "# connection",
        documentation(connectionSymbol).split(/\n\n/).map(flat).join("\n\n"),
        "How keys, credentials and ssh(1)'s configuration are used: [connection.md](../connection.md).",
        argumentTable(hop, connection),
        MADE,
      ],
    ],
  ].map(([path, parts]) => [path, `${parts.join("\n\n")}\n`]),
);

if (process.argv[2] === "--write") {
  mkdirSync(`${root}${FOLDER}`, { recursive: true });
  for (const file of readdirSync(`${root}${FOLDER}`))
    if (!(`${FOLDER}/${file}` in made)) rmSync(`${root}${FOLDER}/${file}`);
  for (const [path, text] of Object.entries(made)) writeFileSync(`${root}${path}`, text);
} else process.stdout.write(JSON.stringify(made));
