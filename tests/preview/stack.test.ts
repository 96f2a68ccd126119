import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Project, PROVIDER_PROCESSES, changeOf, printedUnder } from "./stack";

/** A resource that is a file: the smallest thing that can drift. */
const program = `
const pulumi = require("@pulumi/pulumi");
const provider = {
  async check(olds, news) {
    const failures = news.text === "" ? [{ property: "text", reason: "must not be empty" }] : [];
    return { inputs: news, failures };
  },
  async diff(id, olds, news) {
    return { changes: olds.text !== news.text };
  },
  async create(inputs) {
    require("fs").writeFileSync(inputs.path, inputs.text);
    return { id: "file", outs: { ...inputs, ranIn: process.mainModule.filename } };
  },
  async read(id, props) {
    const live = { path: props.path, text: require("fs").readFileSync(props.path, "utf8") };
    return { id, props: { ...live, ranIn: props.ranIn }, inputs: live };
  },
  async update(id, olds, news) {
    require("fs").writeFileSync(news.path, news.text);
    return { outs: news };
  },
  async delete(id, props) {
    require("fs").rmSync(props.path);
  },
};
class File extends pulumi.dynamic.Resource {
  constructor(name, props) {
    super(provider, name, { ranIn: undefined, ...props }, {}, "test", "File");
  }
}
const config = new pulumi.Config();
const file = new File("note", { path: config.require("path"), text: config.require("text") });
pulumi.log.info("first line\\nsecond line", file);
exports.path = file.path;
exports.ranIn = file.ranIn;
`;

/** The program of each process. */
const PROGRAMS = {
  bundled: /@pulumi\/pulumi\/cmd\/dynamic-provider\/index\.js$/,
  lean: /\/dist\/plugin\/main\.js$/,
};

describe.each(PROVIDER_PROCESSES)("dynamic providers in the %s process", (providerProcess) => {
  let folder: string;
  let path: string;
  const projects: Project[] = [];

  async function project(text = "as planned"): Promise<Project> {
    const made = await Project.create({ program, config: { path, text }, providerProcess });
    projects.push(made);
    return made;
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-file-"));
    path = join(folder, "note");
  });

  afterEach(() => {
    for (const made of projects.splice(0)) made.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("one life: preview writes nothing, up creates, a second one changes nothing, drift is shown and repaired, destroy removes", async () => {
    const life = await project();

    const planned = await life.preview();
    expect(changeOf(planned, "note")).toMatchObject({ op: "create", new: { text: "as planned" } });
    expect(printedUnder(planned, "note")).toContain("first line\nsecond line");
    expect(existsSync(path)).toBe(false);

    const created = await life.up();
    expect(created.summary).toMatchObject({ create: 2 });
    expect(readFileSync(path, "utf8")).toBe("as planned");
    const outputs = await life.outputs();
    expect(outputs["path"]).toEqual({ value: path, secret: false });
    expect(outputs["ranIn"]?.value).toMatch(PROGRAMS[providerProcess]);

    const again = await life.up({ refresh: true, expectNoChanges: true });
    expect([...again.changes]).toEqual([]);
    const { elapsedMs } = await life.expectNoChanges();
    process.stderr.write(`a preview with refresh and nothing to do takes ${elapsedMs} ms\n`);

    writeFileSync(path, "as found");
    const drifted = await life.preview({ refresh: true });
    expect(changeOf(drifted, "note")).toMatchObject({
      op: "update",
      diffs: ["text"],
      old: { text: "as found" },
      new: { text: "as planned" },
    });
    const { stdout } = await life.text("preview", "--diff", "--refresh");
    expect(stdout).toMatch(/~ text: +"as found" => "as planned"/);
    await expect(life.expectNoChanges()).rejects.toThrow(/as found/);

    const refreshed = await life.refresh();
    expect(changeOf(refreshed, "note")).toMatchObject({ op: "update", diffs: ["text"] });
    await life.up();
    expect(readFileSync(path, "utf8")).toBe("as planned");

    const destroyed = await life.destroy();
    expect(changeOf(destroyed, "note")).toMatchObject({ op: "delete" });
    expect(existsSync(path)).toBe(false);
  });

  test("a failed run is an error with all that was printed, unless it was to fail", async () => {
    const refused = await project("");
    await expect(refused.preview()).rejects.toThrow(/must not be empty/);
    const outcome = await refused.preview({ fails: true });
    expect(outcome.ok).toBe(false);
    expect(printedUnder(outcome, "note")).toContain("must not be empty");
    expect(outcome.stdout + outcome.stderr).toContain("must not be empty");
  });

  test("a run that was to fail and does not is an error", async () => {
    const fine = await project();
    await expect(fine.preview({ fails: true })).rejects.toThrow(/should have failed/);
  });

  test("a project is removed with its state", async () => {
    const short = await project();
    short.remove();
    expect(existsSync(short.folder)).toBe(false);
  });
});
