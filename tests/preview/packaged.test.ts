/**
 * The package as a user gets it: the tarball is made, and what the README says and each example are run from it, in folders
 * that share nothing with this repository. Only the Pulumi CLI and npm's cache are those of the machine.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { cacheFolder, packageFolder } from "../../testing/machine/folders";
import { diffTrees, startHost, type TestHost } from "../../testing";
import { cliForAutomation } from "../../tools/pulumi-cli/automation";
import { type Environment, type Ran, run } from "../../tools/pulumi-cli/run";

const repository = packageFolder();
const examples = readdirSync(join(repository, "examples")).filter((name) =>
  existsSync(join(repository, "examples", name, "package.json")),
);

let folder: string;
let tarball: string;
let host: TestHost;
let environment: Environment;

/** The variables of a person who has npm and the Pulumi CLI, and whose home is in the folder. */
async function environmentOf(): Promise<Environment> {
  const { environment: ofCli } = await cliForAutomation();
  const own = Object.entries(process.env).filter(
    // A test run by npm has its settings in variables, those of this repository's .npmrc among them.
    ([name]) => !/^(npm_|PULUMI_|NODE_|JEST_|INIT_CWD)/.test(name),
  );
  return {
    ...Object.fromEntries(own),
    ...ofCli,
    // `ssh` of the folder comes first: ssh(1) knows the home folder of the password database only.
    PATH: [join(folder, "bin"), ofCli["PATH"] ?? ""].join(delimiter),
    HOME: join(folder, "home"),
    npm_config_userconfig: process.env["npm_config_userconfig"] ?? join(homedir(), ".npmrc"),
    npm_config_cache: process.env["npm_config_cache"] ?? join(homedir(), ".npm"),
    npm_config_prefer_offline: "true",
    npm_config_update_notifier: "false",
    npm_config_audit: "false",
    npm_config_fund: "false",
    PULUMI_SKIP_CONFIRMATIONS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_OPTION_COLOR: "never",
    NO_COLOR: "1",
  };
}

/** Runs a script as somebody types it, and stops at the first command that fails. */
function typed(script: string, cwd: string, more: Environment = {}): Promise<Ran> {
  return run("bash", ["-euo", "pipefail", "-c", script], {
    cwd,
    environment: { ...environment, ...more },
    timeoutMs: 400_000,
  });
}

/** Runs a script that must succeed, and gives all that it printed. */
async function types(script: string, cwd: string, more: Environment = {}): Promise<string> {
  const { code, stdout, stderr } = await typed(script, cwd, more);
  if (code === 0) return stdout + stderr;
  throw new Error(`exit status ${String(code)}\n${script}\n${(stdout + stderr).slice(-8000)}`);
}

const make = (path: string): string => {
  const made = join(folder, path);
  mkdirSync(made, { recursive: true });
  return made;
};

const write = (path: string, text: string, mode = 0o644): void =>
  writeFileSync(join(folder, path), text, { mode });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-packaged-"));
  const started = startHost({ release: "7.8" });
  environment = await environmentOf();
  for (const name of ["bin", "home/.ssh"]) make(name);
  await types(
    `npm run --silent package -- --silent --pack-destination ${folder} >/dev/null`,
    repository,
  );
  const [name = ""] = readdirSync(folder).filter((one) => one.endsWith(".tgz"));
  tarball = join(folder, name);
  host = await started;
  write(
    "home/.ssh/config",
    `Host mx1.example.org
  HostName ${host.host}
  Port ${host.port}
  IdentityFile ${host.privateKeyPath}
  HostKeyAlias mx1.example.org
`,
  );
  // A person compares the fingerprint and says yes.
  write(
    "bin/ssh",
    `#!/bin/sh
exec /usr/bin/ssh -F "$HOME/.ssh/config" -o UserKnownHostsFile="$HOME/.ssh/known_hosts" -o StrictHostKeyChecking=accept-new "$@"
`,
    0o755,
  );
});

afterAll(async () => {
  await host.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the README's quickstart has one type: its commands, and its files where they stand between them. */
function quickstart(): string {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const section = /^## Quickstart\n([^]*?)^## /m.exec(readme)?.[1] ?? "";
  const blocks = [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  return blocks
    .map(([, language, text = ""]) => {
      if (language === "sh") return text;
      const name = /^(?:#|\/\/) (\S+)\n/.exec(text)?.[1];
      if (name === undefined) throw new Error(`a block has no name of a file:\n${text}`);
      return `cat > ${name} <<'END-OF-FILE'\n${text}END-OF-FILE\n`;
    })
    .join("\n")
    .replace("../pulumi-openbsd-postfix-0.1.0.tgz", tarball);
}

test("the README's quickstart, typed in an empty folder, ends with a delivered message, and destroy gives the host back", async () => {
  const before = await host.snapshot();
  const script = quickstart();
  expect(script).toContain(tarball);
  const printed = await types(script, folder);
  // The test message is a step of its own: without its delivery `up` would have failed.
  expect(printed).toMatch(/openbsd:MailCheck mx1-mail-check created/);
  expect(printed).toContain('banner: "220 mx1.example.org ESMTP Postfix"');
  expect(printed).not.toMatch(/warning: Could not find entry point|DeprecationWarning/);
  await types(
    'export PULUMI_CONFIG_PASSPHRASE="a phrase of your own: it encrypts the secrets in the state"; pulumi destroy --remove',
    join(folder, "mail"),
  );
  expect(diffTrees(before, await host.snapshot())).toEqual([]);
});

const passphrase = { PULUMI_CONFIG_PASSPHRASE: "test" };

/** A step that needs nothing of the host, as a program makes it. */
const STEP = `new RcConfLocal("rc", { connection: { host: "mx1.example.org" }, boot: "unchanged", variables: { apmd_flags: "-A" } })`;
const SHOWN = '+apmd_flags="-A"';
const IN_JAVASCRIPT = {
  "package.json": '{ "name": "way", "private": true }',
  "index.js": `const { RcConfLocal } = require("pulumi-openbsd-postfix");\n${STEP};\n`,
};

/** Writes a project whose node_modules are somewhere from its folder; `place` is where it is. */
function writeProject(
  place: string,
  modules: string,
  files: Readonly<Record<string, string>>,
): string {
  make(`${place}/state`);
  write(
    `${place}/Pulumi.yaml`,
    `name: way
runtime: nodejs
backend:
  url: file://./state
plugins:
  providers:
    - name: pulumi-nodejs
      path: ${modules}/pulumi-openbsd-postfix/plugin
`,
  );
  for (const [path, text] of Object.entries(files)) write(`${place}/${path}`, text);
  return join(folder, place);
}

describe("other ways, with the quickstart's node_modules in the folder above", () => {
  const modules = "../node_modules";

  test.each([
    ["JavaScript", IN_JAVASCRIPT],
    [
      "ES modules in JavaScript",
      {
        "package.json": '{ "private": true, "type": "module" }',
        "index.js": `import { RcConfLocal } from "pulumi-openbsd-postfix";\nexport const release = ${STEP}.release;\n`,
      },
    ],
    [
      "ES modules in TypeScript",
      {
        "package.json": '{ "private": true, "type": "module" }',
        "tsconfig.json":
          '{ "compilerOptions": { "target": "es2022", "module": "nodenext", "moduleResolution": "nodenext" } }',
        "index.ts": `import { RcConfLocal } from "pulumi-openbsd-postfix";\nexport const release = ${STEP}.release;\n`,
      },
    ],
  ])("%s: a preview shows the change", async (name, files) => {
    const place = writeProject(`mail/${name.replaceAll(" ", "-").toLowerCase()}`, modules, files);
    expect(await types("pulumi stack init way && pulumi preview", place, passphrase)).toContain(
      SHOWN,
    );
  });

  test("the Automation API: a preview shows the change", async () => {
    const place = writeProject("mail/automation", modules, {
      "run.js": `const { LocalWorkspace } = require("@pulumi/pulumi/automation");
const { RcConfLocal } = require("pulumi-openbsd-postfix");
async function main() {
  const program = async () => ({ release: ${STEP}.release });
  const about = { stackName: "way", projectName: "way", program };
  const stack = await LocalWorkspace.createOrSelectStack(about, { workDir: __dirname });
  console.log((await stack.preview({ color: "never" })).stdout);
}
void main();
`,
    });
    expect(await types("node run.js 2>&1", place, passphrase)).toContain(SHOWN);
  });
});

test("pnpm, whose node_modules are strict: a preview shows the change", async () => {
  const place = writeProject("strict", "node_modules", IN_JAVASCRIPT);
  const store = make("store");
  const install = `npx --yes pnpm@10.18.3 add --store-dir ${store} ${tarball} @pulumi/pulumi@3.248.0 >&2`;
  const printed = await types(
    `${install} && pulumi stack init way && pulumi preview`,
    place,
    passphrase,
  );
  expect(printed).toContain(SHOWN);
});

test("npm workspaces, whose packages are at their root: a preview shows the change", async () => {
  const place = writeProject("workspaces/mail", "../node_modules", IN_JAVASCRIPT);
  write("workspaces/package.json", '{ "private": true, "workspaces": ["mail"] }');
  await types(
    `npm install --workspace mail ${tarball} @pulumi/pulumi@3.248.0`,
    join(folder, "workspaces"),
  );
  expect(existsSync(join(place, "node_modules/pulumi-openbsd-postfix"))).toBe(false);
  expect(await types("pulumi stack init way && pulumi preview", place, passphrase)).toContain(
    SHOWN,
  );
});

describe.each(examples)("examples/%s", (name) => {
  test("is installed from the tarball with what its package.json says, and passes its own compiler", async () => {
    cpSync(join(repository, "examples", name), make(name), { recursive: true });
    const printed = await types(
      `npm install --no-package-lock ${tarball} >&2 && npx --no-install tsc --noEmit -p . && node -p 'require.resolve("typescript")'`,
      join(folder, name),
    );
    expect(printed).toContain(join(folder, name, "node_modules"));
  });
});

/** The folder of a plugin of `@pulumi/command` on this machine, as Pulumi keeps it. */
function pluginHome(): string | undefined {
  const homes = [
    process.env["PULUMI_HOME"],
    join(homedir(), ".pulumi"),
    join(cacheFolder(), "pulumi-home"),
  ].filter((home) => home !== undefined);
  return homes.find((home) => {
    const plugins = join(home, "plugins");
    return (
      existsSync(plugins) && readdirSync(plugins).some((one) => one.startsWith("resource-command-"))
    );
  });
}

test("examples/with-command runs as it is shipped, as far as the plugin of @pulumi/command can be had", async () => {
  const home = pluginHome();
  const place = join(folder, "with-command");
  const variables = {
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_BACKEND_URL: `file://${make("state")}`,
    ...(home === undefined ? {} : { PULUMI_HOME: home }),
  };
  await types(
    `pulumi stack init test
pulumi config set host ${host.host}
pulumi config set port ${host.port}
pulumi config set domain example.org
pulumi config set hostKey "${host.hostKey}"
pulumi config set --secret privateKey < ${host.privateKeyPath}`,
    place,
    variables,
  );
  if (home === undefined) {
    // It is a program that Pulumi downloads, and nothing is downloaded here: the preview goes as far as asking for it.
    process.stderr.write(
      "not run to its end: examples/with-command, because the plugin of @pulumi/command is not installed " +
        "(pulumi plugin install resource command)\n",
    );
    const { code, stdout, stderr } = await typed("pulumi preview", place, variables);
    expect(code).not.toBe(0);
    const errors = (stdout + stderr).split("\n").filter((line) => /\berror: /.test(line));
    expect(errors.filter((line) => !/resource-command|resource plugin command/.test(line))).toEqual(
      [],
    );
    expect(errors.length).toBeGreaterThan(0);
    expect(stdout).toContain("check the configuration and start Postfix");
    return;
  }
  const printed = await types("pulumi up", place, variables);
  expect(printed).toContain("Mail queue is empty");
  expect(printed).toContain("220 mx.example.org");
  await types("pulumi destroy", place, variables);
});
