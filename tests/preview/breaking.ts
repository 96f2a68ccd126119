/**
 * Breaking on the host all that a stack has put there. What is broken is found in the stack's state, by the kinds of its
 * resources, so that a test of drift covers a step that is new in a program by itself.
 */
import type { StackProject } from "../../testing/pulumi/stackProject";

/** How one resource is broken, and what a refresh must show of it. */
export interface Broken {
  readonly name: string;
  readonly script: string;
  /** The paths of the inputs that differ then. */
  readonly diffs: readonly string[];
  /** The paths of secrets that differ then: the engine shows `[secret]` before and after. */
  readonly secrets: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;
type How = Omit<Broken, "name">;

/** The name of the field by which an exported state tells a secret from other objects. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && SIGNATURE in value;

const valuesIn = (value: unknown): Values => (value ?? {}) as Values;

/** Puts an x to the end of each line of a file that this fits. */
const spoil = (file: string, lines: string): string =>
  `perl -i -pe 's/$/x/ if m{${lines}}' ${file}`;

/** A managed value by the path of the input that it has, as a step's differences name it. */
type Managed = readonly [path: string, value: unknown];

/** The paths of what differs, those of secrets apart. */
function differing(managed: readonly Managed[]): Omit<How, "script"> {
  const of = (secret: boolean): string[] =>
    managed.filter(([, value]) => isSecret(value) === secret).map(([path]) => path);
  return { diffs: of(false), secrets: of(true) };
}

/** Each value of a record of inputs. */
function within(path: string, values: unknown): Managed[] {
  return Object.entries(valuesIn(values)).map(([name, value]) => [
    // A secret is named in a text, where a path is quoted.
    isSecret(value) ? `${path}[${JSON.stringify(name)}]` : `${path}.${name}`,
    value,
  ]);
}

/** By kind: how a resource with these inputs is broken. `undefined` where it leaves nothing on a host that could be. */
const HOW: Readonly<Record<string, (inputs: Values) => How | undefined>> = {
  /** Each entry, or the whole text, and the owner and mode where they are managed. The database is not rebuilt. */
  LookupTable: ({ path, text, entries, permissions }) => {
    const file = String(path);
    const scripts = [spoil(file, "^[^#\\s]")];
    if (permissions !== undefined) scripts.push(`chmod 644 ${file}`, `chown 1:1 ${file}`);
    return {
      script: scripts.join("\n"),
      ...differing([
        ...(text === undefined ? [["type", ""] as const] : [["text", text] as const]),
        ...within("entries", entries),
        ...within("permissions", permissions),
      ]),
    };
  },
  /** Every parameter: numbers and switches get another value, all else goes. A Postfix can run with what is left. */
  MainCf: ({ parameters }) => {
    const names = Object.keys(valuesIn(parameters)).join("|");
    return {
      script: `perl -i -ne '
        if (my ($name, $value) = /^(${names}) = (.*)/) {
          print "$name = no\\n" if $value eq "yes";
          print "$name = ", $value + 1, "\\n" if $value =~ /^[0-9]+$/;
        } else { print }' /etc/postfix/main.cf`,
      ...differing(within("parameters", parameters)),
    };
  },
  /** Every override of every service. */
  MasterCf: ({ services }) => {
    const overrides = Object.entries(valuesIn(services)).flatMap(([name, service]) =>
      within(`services.${name}.overrides`, valuesIn(service)["overrides"]),
    );
    const names = overrides.map(([path]) => path.slice(path.lastIndexOf(".") + 1));
    return {
      script: spoil("/etc/postfix/master.cf", `^  -o (${[...new Set(names)].join("|")})=`),
      ...differing(overrides),
    };
  },
  /** The first recipient of every alias. The database is not rebuilt. */
  Aliases: ({ file, entries }) => {
    const names = Object.keys(valuesIn(entries));
    return {
      script: `perl -i -pe 's/:\\s*/$&x/ if /^(${names.join("|")}):/' ${String(file)}`,
      ...differing([["file", ""], ...names.map((name): Managed => [`entries.${name}[0]`, ""])]),
    };
  },
  TlsCertificate: ({ certificatePath, privateKeyPath, permissions }) => {
    if (Object.keys(valuesIn(permissions)).length < 2)
      throw new Error("say how a certificate or a key of somebody else is broken");
    return {
      script: `cp /etc/ssl/cert.pem ${String(certificatePath)}; chmod 644 ${String(privateKeyPath)}`,
      ...differing([
        ["certificate", ""],
        ["permissions.privateKey", ""],
      ]),
    };
  },
  MailStore: ({ path, user }) => ({
    script: `chmod 755 ${String(path)}; userdel ${String(user)}`,
    ...differing([
      ["present.folder", ""],
      ["present.user", ""],
    ]),
  }),
  ChrootResolv: ({ copies }) => ({
    script: Object.keys(valuesIn(copies))
      .map((name) => `echo x >> /var/spool/postfix/etc/${name}`)
      .join("\n"),
    ...differing(within("copies", copies)),
  }),
  MailerConf: () => ({
    script: "cp /etc/mailer.conf.pre-postfix /etc/mailer.conf",
    ...differing([["mailer", ""]]),
  }),
  BaseMailer: () => ({ script: "/usr/sbin/smtpd", ...differing([["running", ""]]) }),
  RcConfLocal: ({ variables, flags, packageScripts }) => {
    if (Object.keys(valuesIn(flags)).length > 0) throw new Error("say which flags are lost");
    return {
      script: "rm /etc/rc.conf.local",
      ...differing([
        ...within("variables", variables),
        ...(packageScripts as readonly string[]).map((_name, index): Managed => [
          `packageScripts[${index}]`,
          "",
        ]),
      ]),
    };
  },
  PostfixService: () => ({
    script: "/usr/local/sbin/postfix stop",
    ...differing([["running", ""]]),
  }),
  /** On releases whose root has no job for the base mailer, nothing is commented out. */
  RootCrontab: ({ commentOut }) => {
    if ((commentOut as readonly string[]).length === 0) return undefined;
    throw new Error("say how to break the jobs of root's crontab");
  },
  /** Without the package, no other step can be looked at: tests/host/steps.test.ts breaks it by itself. */
  PostfixPackage: () => undefined,
  MailCheck: () => undefined,
};

const TYPE = "pulumi-nodejs:dynamic/openbsd:";

/** How each resource of the project's stack is broken, in the order of the stack. */
export async function breakages(project: StackProject): Promise<readonly Broken[]> {
  const { resources } = (await project.stack.exportStack()).deployment as {
    readonly resources: readonly {
      readonly type: string;
      readonly urn: string;
      readonly inputs?: Values;
    }[];
  };
  return resources.flatMap(({ type, urn, inputs = {} }) => {
    if (!type.startsWith(TYPE)) return [];
    const kind = type.slice(TYPE.length);
    const how = HOW[kind];
    if (how === undefined)
      throw new Error(`say in tests/preview/breaking.ts how a ${kind} is broken`);
    const broken = how(inputs);
    return broken === undefined ? [] : [{ name: urn.split("::").at(-1) ?? "", ...broken }];
  });
}
