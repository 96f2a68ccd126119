/**
 * The example with `@pulumi/command`, run for real: where that package's plugin is at hand, which is never downloaded
 * here. tests/unit/composing.test.ts holds its order under mocks in any case.
 */
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { transpileModule, ModuleKind } from "typescript";
import { cacheFolder, packageFolder } from "../../testing/machine/folders";
import { startHost } from "../../testing";
import { Project } from "./stack";

/** Where Pulumi keeps plugins. */
const homes = [
  process.env["PULUMI_HOME"],
  join(homedir(), ".pulumi"),
  join(cacheFolder(), "pulumi-home"),
].filter((home) => home !== undefined);
const home = homes.find((one) => {
  const plugins = join(one, "plugins");
  return (
    existsSync(plugins) && readdirSync(plugins).some((name) => name.startsWith("resource-command-"))
  );
});
if (home === undefined)
  process.stderr.write(
    "skipped: the example with @pulumi/command is not run for real, because its plugin is not installed " +
      "(pulumi plugin install resource command); it runs under mocks only\n",
  );

(home === undefined ? test.skip : test)(
  "a command runs on the host when the mail server serves, over the same connection",
  async () => {
    const host = await startHost({ release: "7.8" });
    const text = readFileSync(join(packageFolder(), "examples/with-command/index.ts"), "utf8");
    const project = await Project.create({
      program: transpileModule(text, { compilerOptions: { module: ModuleKind.CommonJS } })
        .outputText,
      config: {
        host: host.host,
        port: String(host.port),
        domain: "example.org",
        hostKey: host.hostKey,
      },
      secrets: { privateKey: readFileSync(host.privateKeyPath, "utf8") },
      environment: home === undefined ? {} : { PULUMI_HOME: home },
    });
    try {
      const command = dirname(require.resolve("@pulumi/command/package.json"));
      symlinkSync(command, join(project.folder, "node_modules/@pulumi/command"));
      await project.up();
      const outputs = await project.outputs();
      expect(outputs["queued"]?.value).toContain("Mail queue is empty");
      expect(outputs["banner"]?.value).toContain("220 mx.example.org");
      await project.destroy();
    } finally {
      project.remove();
      await host.stop();
    }
  },
);
