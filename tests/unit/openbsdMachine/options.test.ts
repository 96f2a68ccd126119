/** The command line of `npm run openbsd-machine`, and the names that it gives to other programs. */
import { join } from "node:path";
import fc from "fast-check";
import { cacheFolder } from "../../../testing/machine/folders";
import { readOptions, usage } from "../../../tools/openbsd-machine/options";
import { inOption, startArgv } from "../../../tools/openbsd-machine/qemu";
import { commandOf } from "../../../tools/openbsd-machine/run";
import { hostKeyOf } from "../../../tools/openbsd-machine/sshAccess";

test("without options a machine is made and run in the cache folder", () => {
  const folder = join(cacheFolder(), "openbsd-machines/7.8");
  const common = { release: "7.8", folder, cpu: "qemu64", memoryMb: 1024, more: [] };
  const media = join(cacheFolder(), "openbsd-media/7.8");
  expect(readOptions(["make"])).toMatchObject({ ...common, media, diskSize: "20G" });
  expect(readOptions(["run"])).toMatchObject({ ...common, port: 0, offline: false, rest: [] });
});

test.each([
  [[], "Say make or run."],
  [["nonsense"], "nonsense is no command."],
  [["run", "--port", "0"], "--port 0: it takes a number from 1 to 65535."],
  [["run", "--port", "80x"], "--port 80x: it takes a number"],
  [["run", "--memory", "1"], "--memory 1: it takes a number from 256"],
  [["run", "--accel", "xen"], "--accel xen: say one of kvm, hvf, tcg."],
  [["run", "--release", "../x"], "--release ../x: a release is a number"],
  [["run", "--disk", "d"], "--disk needs --identity"],
  [["run", "--identity", "i"], "--identity and --host-key belong to --disk."],
  [["run", "--mirror", "m"], "Unknown option '--mirror'"],
  [["run", "ssh"], "Unexpected argument 'ssh'"],
  [["make", "--", "ssh"], "Unexpected argument 'ssh'"],
  [["make", "--disk-size", "20"], "--disk-size 20: a size is a number with G or T"],
  [["make", "--offline"], "Unknown option '--offline'"],
])("%j is refused: %s", (argv, words) => {
  expect(() => readOptions(argv)).toThrow(words);
});

test("every option that is read is explained", () => {
  const explained = [...usage.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, name]) => name ?? "");
  for (const option of explained) {
    const value = { "--offline": "", "--port": "=1", "--boot-seconds": "=1", "--memory": "=512" };
    const given = (value as Record<string, string>)[option] ?? "=7.8";
    const refused = ["make", "run"].filter((command) => {
      try {
        readOptions([command, `${option}${given}`]);
        return false;
      } catch (error) {
        return (error as Error).message.startsWith("Unknown option");
      }
    });
    expect([option, refused.length]).toEqual([option, refused.length === 2 ? 0 : refused.length]);
  }
  expect(explained).toHaveLength(16);
});

test("what follows -- is a program, options of the acceptance suite, or nothing", () => {
  const ssh = { port: 2222, identity: "/i", knownHosts: "/k" };
  const suite = [
    ...["npm", "run", "test:acceptance", "--", "root@127.0.0.1", "--port", "2222"],
    ...["--identity", "/i", "--known-hosts", "/k", "--yes", "--reboot"],
  ];
  const rest = (...argv: string[]): readonly string[] => {
    const options = readOptions(["run", ...argv]);
    return options.command === "run" ? commandOf(options.rest, ssh) : [];
  };
  expect(rest()).toEqual(suite);
  expect(rest("--")).toEqual(suite);
  expect(rest("--", "--short", "--report", "r")).toEqual([...suite, "--short", "--report", "r"]);
  expect(rest("--", "ssh", "--", "-x")).toEqual(["ssh", "--", "-x"]);
});

test("QEMU takes any name of a file for that name: it undoubles commas, and splits at those that stand alone", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const hardware = { accelerator: "tcg", cpu: "max", memoryMb: 512 } as const;
      const options = { ...hardware, port: 0, offline: false, more: [] };
      const drive = startArgv(name, options).find((one) => one.includes("file=")) ?? "";
      const values = drive.split(/(?<!,)(?:,,)*,(?!,)/);
      const file = values.at(-1)?.slice("file=".length).replaceAll(",,", ",");
      expect(inOption(name).replaceAll(",,", ",")).toBe(name);
      // A name that begins with commas stands right behind the equals sign.
      expect(drive.endsWith(`,file=${inOption(name)}`)).toBe(true);
      if (!name.includes(",")) expect(file).toBe(name);
    }),
  );
});

test.each([
  ["ssh-ed25519 AAAAC3Nz root@openbsd\n", "ssh-ed25519 AAAAC3Nz"],
  ["[127.0.0.1]:2222 ssh-ed25519 AAAA+/w==\n", "ssh-ed25519 AAAA+/w=="],
  [
    "# 127.0.0.1:22 SSH-2.0-OpenSSH_10.0\n127.0.0.1 ecdsa-sha2-nistp256 AAAA\n",
    "ecdsa-sha2-nistp256 AAAA",
  ],
  ["ssh-ed25519\n", undefined],
  ["ssh-ed25519 AA AA\u0000", "ssh-ed25519 AA"],
  ["notssh-ed25519 AAAA", undefined],
  ["", undefined],
])("the host key in %j is %j", (text, key) => {
  expect(hostKeyOf(text)).toBe(key);
});
