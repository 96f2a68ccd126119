/** The components' arguments come from the plain ones: what a program may write, and what an editor shows of it. */
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import ts from "typescript";
import type {
  AliasesArgs,
  BaseMailerArgs,
  ChrootResolvArgs,
  LookupTableArgs,
  MailCheckArgs,
  MainCfArgs,
  MainCfParameters,
  MasterCfArgs,
  MasterService,
  PostfixDocsArgs,
  PostfixPackageArgs,
  PostfixServerArgs,
  PostfixServiceArgs,
  RcConfLocalArgs,
  RootCrontabArgs,
} from "../../components";
import { type ObjectSchema, object, oneOf, optional, text } from "../../provider/arguments/schema";

type Input<T> = pulumi.Input<T>;

/** `true` where each of the two types takes what the other one gives. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The arguments as they were written by hand before they came from the plain ones. */
interface Written {
  readonly aliases: {
    readonly entries: Input<Record<string, Input<Input<string>[]>>>;
    readonly mode?: Input<"merge" | "exact">;
    readonly file?: Input<string>;
  };
  readonly chrootResolv: { readonly files?: Input<Input<string>[]> };
  readonly lookupTable: {
    readonly path: Input<string>;
    readonly type?: Input<string>;
    readonly entries?: Input<Record<string, Input<string | null>>>;
    readonly mode?: Input<"merge" | "exact">;
    readonly text?: Input<string>;
    readonly permissions?: Input<{
      readonly mode: Input<string>;
      readonly owner?: Input<string>;
      readonly group?: Input<string>;
    }>;
  };
  readonly mailCheck: {
    readonly recipient: Input<string>;
    readonly sender?: Input<string>;
    readonly host?: Input<string>;
    readonly port?: Input<number>;
    readonly timeoutSeconds?: Input<number>;
    readonly keep?: Input<boolean>;
    readonly outside?: Input<
      boolean | { readonly host?: Input<string>; readonly port?: Input<number> }
    >;
    readonly triggers?: Input<Input<unknown>[]>;
  };
  readonly masterService: {
    readonly private?: Input<string>;
    readonly unprivileged?: Input<string>;
    readonly chroot?: Input<string>;
    readonly wakeup?: Input<string>;
    readonly maxproc?: Input<string>;
    readonly command?: Input<string>;
    readonly args?: Input<Input<string>[]>;
    readonly overrides?: Input<Record<string, Input<string | null>>>;
  };
  readonly masterCf: {
    readonly services: Input<Record<string, Input<Written["masterService"] | null>>>;
    readonly accept?: Input<Input<string>[]>;
  };
  readonly postfixDocs: {
    readonly path?: Input<string>;
    readonly triggers?: Input<Input<unknown>[]>;
  };
  readonly postfixPackage: {
    readonly version?: Input<string>;
    readonly flavors?: Input<
      Input<"sasl2" | "ldap" | "mysql" | "pgsql" | "db4" | "sqlite" | "dovecot">[]
    >;
    readonly branch?: Input<"stable" | "snapshot" | `stable${number}`>;
    readonly source?: Input<"packages" | "ports">;
    readonly packagePath?: Input<string>;
    readonly lockTimeout?: Input<number>;
    readonly discardQueue?: Input<boolean>;
  };
  readonly postfixService: { readonly triggers?: Input<Input<unknown>[]> };
  readonly rcConfLocal: {
    readonly boot?: Input<"postfix" | "unchanged">;
    readonly logSocket?: Input<boolean | "auto">;
    readonly variables?: Input<Record<string, Input<string>>>;
    readonly flags?: Input<Record<string, Input<Input<string>[]>>>;
    readonly packageScripts?: Input<Input<string>[]>;
  };
  readonly rootCrontab: { readonly commentOut?: Input<Input<string>[]> };
}

/** The compiler is the test. */
const same: readonly true[] = [
  true satisfies Same<AliasesArgs, Written["aliases"]>,
  true satisfies Same<BaseMailerArgs, object>,
  true satisfies Same<ChrootResolvArgs, Written["chrootResolv"]>,
  true satisfies Same<LookupTableArgs, Written["lookupTable"]>,
  true satisfies Same<MailCheckArgs, Written["mailCheck"]>,
  true satisfies Same<MasterService, Written["masterService"]>,
  true satisfies Same<MasterCfArgs, Written["masterCf"]>,
  true satisfies Same<PostfixDocsArgs, Written["postfixDocs"]>,
  true satisfies Same<PostfixPackageArgs, Written["postfixPackage"]>,
  true satisfies Same<PostfixServiceArgs, Written["postfixService"]>,
  true satisfies Same<RcConfLocalArgs, Written["rcConfLocal"]>,
  true satisfies Same<RootCrontabArgs, Written["rootCrontab"]>,
];

test("what was accepted before is accepted, with an input wherever there was one", () => {
  const flag: pulumi.Output<boolean> = pulumi.output(true);
  const main: MainCfArgs = {
    parameters: {
      biff: flag,
      soft_bounce: Promise.resolve("no" as const),
      message_size_limit: pulumi.output(1),
      maximal_queue_lifetime: "5d",
      relayhost: pulumi.secret("[smtp.example.org]"),
      mydomain: null,
      of_mine: pulumi.output("x"),
      not_given: undefined,
    },
    userDefined: ["of_mine", pulumi.output("not_given")],
    accept: pulumi.output(["openRelay"]),
  };
  const known = pulumi.output<Record<string, string>>({ myhostname: "a.example" });
  const whole: MainCfArgs = { parameters: known, mode: pulumi.output("exact" as const) };
  const wrong: MainCfParameters = {
    // @ts-expect-error It takes yes or no.
    biff: pulumi.output("nope"),
    // @ts-expect-error It takes a number.
    message_size_limit: pulumi.output("lots"),
  };
  const misspelt: PostfixServerArgs = {
    connection: { host: "mx1.example.org" },
    // @ts-expect-error There is no such argument.
    aliases: { entires: {} },
    // @ts-expect-error Neither is there this one.
    masterCf: { services: { "smtp/inet": { comand: "smtpd" } } },
  };
  expect([main, whole, wrong, misspelt, ...same]).toHaveLength(4 + same.length);
});

test("a schema has the fields of its interface, with what they take, and no others", () => {
  interface Args {
    readonly name: string;
    readonly mode?: "merge" | "exact";
  }
  const name = text(/./, "must be a name.");
  const mode = optional(oneOf(["merge", "exact"], "must be a mode."));
  const what = "argument";
  const right: ObjectSchema<Args> = object<Args>({ name, mode }, what);
  const wrong = [
    // @ts-expect-error One is missing.
    object<Args>({ name }, what),
    // @ts-expect-error One is too many.
    object<Args>({ name, mode, more: name }, what),
    // @ts-expect-error It need not be given.
    object<Args>({ name, mode: oneOf(["merge", "exact"], "") }, what),
    // @ts-expect-error It must be given.
    object<Args>({ name: optional(name), mode }, what),
    // @ts-expect-error There is no such mode.
    object<Args>({ name, mode: optional(oneOf(["merge", "other"], "")) }, what),
    // @ts-expect-error It may not be any text.
    object<Args>({ name, mode: optional(name) }, what),
  ];
  expect([right, ...wrong]).toHaveLength(7);
});

describe("an editor", () => {
  const repository = resolve(__dirname, "../..");
  const file = join(repository, "hover.ts");
  const program = `import { LookupTable, MainCf, MasterCf, PostfixServer } from "./components";
    const connection = { host: "mx1.example.org" };
    new MainCf("main", { connection, parameters: { biff: false }, mode: "exact" });
    new LookupTable("table", { connection, path: "/a/b", permissions: { group: "_postfix" } });
    new MasterCf("services", { connection, services: { "a/unix": { wakeup: "60" } } });
    new PostfixServer("mx", { connection, rcConfLocal: { boot: "postfix" } });`;
  let service: ts.LanguageService;

  beforeAll(() => {
    const { config } = ts.readConfigFile(join(repository, "tsconfig.json"), (path) =>
      ts.sys.readFile(path),
    ) as {
      config: unknown;
    };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, repository);
    service = ts.createLanguageService({
      getCompilationSettings: () => ({ ...options, types: ["node"] }),
      getScriptFileNames: () => [file],
      getScriptVersion: () => "1",
      getScriptSnapshot: (name) => {
        const content = name === file ? program : ts.sys.readFile(name);
        return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
      },
      getCurrentDirectory: () => repository,
      getDefaultLibFileName: (of) => ts.getDefaultLibFilePath(of),
      fileExists: (name) => name === file || ts.sys.fileExists(name),
      readFile: (name) => (name === file ? program : ts.sys.readFile(name)),
      directoryExists: (name) => ts.sys.directoryExists(name),
    });
  }, 120_000);

  test.each([
    [
      "mode:",
      /"exact"` removes them/,
      /MainCfArgs\.mode\?|mode\?: pulumi\.Input|\(property\) mode\?/,
    ],
    ["biff:", /Yes or no.*postconf\(5\)/, /boolean/],
    ["group:", /A group's name/, /group\?/],
    ["wakeup:", /seconds after which the service is woken/, /wakeup\?/],
    ["boot:", /Postfix starts at boot/, /boot\?/],
  ])(
    "shows what %s means",
    (name, documentation, shown) => {
      const info = service.getQuickInfoAtPosition(file, program.indexOf(name));
      expect(ts.displayPartsToString(info?.documentation)).toMatch(documentation);
      expect(ts.displayPartsToString(info?.displayParts)).toMatch(shown);
    },
    120_000,
  );
});
