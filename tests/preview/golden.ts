/** Texts as a person sees them, held by files. `PULUMI_OPENBSD_POSTFIX_GOLDEN=write` writes them anew. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestHost } from "../../testing";

/** The hashes in messages hold in one process only: they are told apart by the order in which they come. */
function numbered(text: string): string {
  const seen: string[] = [];
  return text.replace(/(, hash )(\w{8})(?=[\],)])/g, (_all, head, hash: string) => {
    if (!seen.includes(hash)) seen.push(hash);
    return `${String(head)}${seen.indexOf(hash) + 1}`;
  });
}

/** What differs from run to run, by a name for it. */
function settled(text: string, hosts: readonly TestHost[]): string {
  const names = hosts.flatMap((host): [string, string][] => [
    [host.hostKey, "HOST-KEY"],
    [host.privateKeyPath, "KEY-FILE"],
    [`:${host.port}`, ":PORT"],
    [`${host.port}`, "PORT"],
  ]);
  return (
    names
      .reduce((named, [value, name]) => named.replaceAll(value, name), text)
      .replace(/^Duration: .*\n/gm, "")
      .replace(/(\binstance *: )"[0-9a-f]{16}"/g, '$1"INSTANCE"')
      .replace(/SHA256:[A-Za-z0-9+/]{43}/g, "SHA256:FINGERPRINT")
      .replace(/^@ \w+.*\n/gm, "")
      // postconf(1) adds several parameters at once in an order of its own, which its random hash changes each time.
      .replace(/^ meta_directory = \/etc\/postfix$/gm, " shlib_directory = no")
      .replace(/[ \t]+$/gm, "")
      .replace(/\n{3,}/g, "\n\n")
  );
}

/** The engine says that a preview failed at the same time as the program tells its errors: here it comes last. */
function engineLast(section: string): string {
  const line = /^ {4}error: preview failed\n*/m;
  if (!line.test(section)) return section;
  return `${section.replace(line, "").trimEnd()}\n\n    error: preview failed`;
}

/** The sections of "Diagnostics:", by name: the engine prints them in the order in which they came. */
function sorted(text: string): string {
  const [head = "", rest] = text.split(/^Diagnostics:\n/m);
  if (rest === undefined) return text;
  const end = rest.search(/^\S/m);
  const sections = rest.slice(0, end).split(/^(?= {2}\S)/m);
  const tidy = sections.map((section) => engineLast(section).trimEnd()).sort();
  return `${head}Diagnostics:\n${tidy.join("\n\n")}\n\n${rest.slice(end)}`;
}

/**
 * What the CLI printed, without its progress lines. What a step says comes, with `--diff`, on stderr and in the order
 * in which it was said.
 */
export function shown(
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
  hosts: readonly TestHost[],
): string {
  // Progress stands before the diagnostics, in the order of what happens at the same time.
  const at = stdout.indexOf("Diagnostics:\n");
  const lines = at < 0 ? stdout : stdout.slice(at);
  const all = `${lines}${stderr === "" ? "" : `\n--- stderr ---\n${stderr}`}`;
  return numbered(sorted(settled(all, hosts)));
}

/** Expects a text to be that of a file beside the tests. */
export function expectGolden(name: string, text: string): void {
  const path = join(__dirname, "golden", `${name}.txt`);
  const content = `${text.trim()}\n`;
  if (process.env["PULUMI_OPENBSD_POSTFIX_GOLDEN"] === "write") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  if (!existsSync(path)) throw new Error(`there is no ${path}; this was shown:\n${content}`);
  expect(content).toBe(readFileSync(path, "utf8"));
}
