/** What the tests of the ways to run Pulumi share: small programs of cheap steps. */
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestHost } from "../../testing";
import { connectionTo } from "./server";
import { Project, type ProviderProcess } from "./stack";

/**
 * The head of every small program: `rc(name, variables, options)` makes a step on each host that owns variables of
 * rc.conf.local, named `name-0`, `name-1`, and so on; its options may also say `at`, another connection. `Machine` is a
 * resource that makes a host, as a cloud's would: what it says of the host is known only when it was created.
 */
export function head(hosts: readonly TestHost[]): string {
  return `
const pulumi = require("@pulumi/pulumi");
const components = require("pulumi-openbsd-postfix");
const connections = ${JSON.stringify(hosts.map(connectionTo))};
/** An alias on each host. */
function alias(name, target, options = () => ({})) {
  return connections.map((connection, index) =>
    new components.Aliases(name + "-" + index, { connection, entries: { [name]: [target] } }, options(index)));
}
function rc(name, variables, options = () => ({})) {
  return connections.map((connection, index) => {
    const { at = connection, ...others } = options(index, connection);
    const args = { connection: at, boot: "unchanged", logSocket: false, variables };
    return new components.RcConfLocal(name + "-" + index, args, others);
  });
}
const machines = {
  async create(inputs) {
    return { id: "machine", outs: { ...inputs, address: inputs.gives.host, port: inputs.gives.port, key: inputs.gives.key } };
  },
  async diff(id, olds, news) {
    return { changes: olds.image !== news.image, replaces: olds.image === news.image ? [] : ["image"] };
  },
};
class Machine extends pulumi.dynamic.Resource {
  constructor(name, { host, port, hostKey }, image = "1") {
    const gives = { host, port, key: hostKey };
    super(machines, name, { gives, image, address: undefined, port: undefined, key: undefined }, {}, "cloud", "Machine");
  }
}
`;
}

/** Projects of one test file, removed with {@link Projects.remove}. */
export class Projects {
  readonly #made: Project[] = [];

  constructor(private readonly hosts: () => readonly TestHost[]) {}

  /** A project whose program is the head and this. */
  async of(
    body: string,
    options: { readonly stack?: string; readonly providerProcess?: ProviderProcess } = {},
  ): Promise<Project> {
    const project = await Project.create({ program: head(this.hosts()) + body, ...options });
    this.#made.push(project);
    return project;
  }

  /**
   * A project that has this package only through another one, `acme-mail`, as a strict node_modules has it (pnpm): a link
   * to a folder elsewhere, and beside that folder what it depends on.
   */
  async throughAnother(body: string, providerProcess: ProviderProcess): Promise<Project> {
    const project = await this.of("", { providerProcess });
    const modules = join(project.folder, "node_modules");
    const store = join(project.folder, "store/node_modules");
    mkdirSync(join(store, "acme-mail"), { recursive: true });
    renameSync(join(modules, "pulumi-openbsd-postfix"), join(store, "pulumi-openbsd-postfix"));
    symlinkSync("../store/node_modules/acme-mail", join(modules, "acme-mail"));
    const settings = join(project.folder, "Pulumi.yaml");
    const text = readFileSync(settings, "utf8");
    writeFileSync(settings, text.replace("node_modules/pulumi-openbsd", "store/$&"));
    const own = { name: "acme-mail", dependencies: { "pulumi-openbsd-postfix": "0.1.0" } };
    writeFileSync(join(store, "acme-mail/package.json"), JSON.stringify(own));
    writeFileSync(
      join(store, "acme-mail/index.js"),
      'module.exports = require("pulumi-openbsd-postfix");',
    );
    const manifest = { name: "program", main: "index.js", dependencies: { "acme-mail": "1.0.0" } };
    writeFileSync(join(project.folder, "package.json"), JSON.stringify(manifest));
    project.write(head(this.hosts()).replace('"pulumi-openbsd-postfix"', '"acme-mail"') + body);
    return project;
  }

  /** Replaces what stands after the head. */
  rewrite(project: Project, body: string): void {
    project.write(head(this.hosts()) + body);
  }

  remove(): void {
    for (const project of this.#made.splice(0)) project.remove();
  }
}

/** Runs the CLI as a person does; anything but success is an error of the test. All that it printed comes back. */
export async function pulumi(project: Project, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await project.text(...args);
  if (code === 0) return stdout + stderr;
  throw new Error(
    `pulumi ${args.join(" ")}: exit status ${code}\n${(stdout + stderr).slice(-8000)}`,
  );
}

/** Runs the CLI, which must fail. */
export async function refused(project: Project, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await project.text(...args);
  if (code !== 0) return stdout + stderr;
  throw new Error(`pulumi ${args.join(" ")} succeeded\n${stdout}${stderr}`);
}
