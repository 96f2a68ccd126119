/**
 * Every pair of operations, the first one cut at each of its requests: whatever the first one left, the second one ends in
 * exactly its goal, and a destroy gives every byte back and blames nobody. The same after a write that the host refuses.
 * tests/faults/pairs.test.ts does this on every release family; here are more kinds, and the claims in the record.
 */
import * as provider from "../../provider";
import { AgentSession } from "../../provider/host/agentSession";
import { connect } from "../../provider/host/pool";
import { diffTrees, type Release, startHost, type TestHost, type Tree } from "../../testing";
import { connectionTo, packageOf, sh } from "../preview/server";
import { checked, create, inputsOf, said } from "./provider";

type Args = Record<string, unknown>;

/** A resource of which a program first says `first`, then `second`. */
interface Subject {
  readonly name: string;
  readonly kind: string;
  readonly first: Args;
  /** Has another value of one key, drops one, and adds one. */
  readonly second: Args;
  /** The files that the resource changes. */
  readonly files: readonly string[];
  /** Is every pair tried? Of the others, which take the same ways through the driver, those that follow an update. */
  readonly every?: true;
}

const TABLE = "/etc/postfix/transport";
const table = (args: Args): Args => ({ path: TABLE, type: "texthash", ...args });

const SUBJECTS: readonly Subject[] = [
  {
    name: "rc.conf.local",
    kind: "RcConfLocal",
    first: {
      variables: { ntpd_flags: "-s", apmd_flags: "-A" },
      boot: "unchanged",
      logSocket: false,
    },
    second: {
      variables: { ntpd_flags: "-v", sensorsd_flags: "" },
      boot: "unchanged",
      logSocket: false,
    },
    files: ["/etc/rc.conf.local"],
    every: true,
  },
  {
    name: "main.cf",
    kind: "MainCf",
    first: { parameters: { relayhost: "[10.0.0.1]", biff: "no" } },
    second: { parameters: { relayhost: "[10.0.0.2]", mynetworks_style: "host" } },
    files: ["/etc/postfix/main.cf"],
  },
  {
    name: "master.cf",
    kind: "MasterCf",
    first: {
      services: { "smtp/inet": { maxproc: "5" }, "submission/inet": { command: "smtpd" } },
    },
    second: {
      services: { "smtp/inet": { maxproc: "7" }, "2525/inet": { command: "smtpd" } },
    },
    files: ["/etc/postfix/master.cf"],
    every: true,
  },
  {
    name: "aliases",
    kind: "Aliases",
    first: { entries: { root: ["alice"], webmaster: ["root"] } },
    second: { entries: { root: ["bob"], security: ["root"] } },
    files: ["/etc/mail/aliases", "/etc/mail/aliases.db"],
  },
  {
    name: "a table as a whole",
    kind: "LookupTable",
    first: table({ text: "example.com smtp:[10.1.0.1]\n" }),
    second: table({ text: "example.com smtp:[10.1.0.2]\n# changed\n" }),
    files: [TABLE],
    every: true,
  },
  {
    name: "a table's entries",
    kind: "LookupTable",
    first: table({ entries: { "example.com": "smtp:[10.1.0.1]", "example.net": "error:no" } }),
    second: table({ entries: { "example.com": "smtp:[10.1.0.2]", "example.org": "smtp:" } }),
    files: [TABLE],
  },
  {
    name: "a table's entries, then the table as a whole",
    kind: "LookupTable",
    first: table({ entries: { "example.com": "smtp:[10.1.0.1]" } }),
    second: table({ text: "example.com smtp:[10.1.0.2]\n" }),
    files: [TABLE],
  },
  {
    name: "a table as a whole, then its entries",
    kind: "LookupTable",
    first: table({ text: "example.com smtp:[10.1.0.2]\n" }),
    second: table({ entries: { "example.com": "smtp:[10.1.0.1]" } }),
    files: [TABLE],
  },
];

/** Requests that change nothing: a cut at them leaves what a cut at the request before them leaves. */
const LOOKS = new Set(["hello", "ping", "read", "judge", "end"]);

/** What ends an operation once a request is answered: the line is cut, or the process that runs it dies, with its state. */
interface Cut {
  readonly request: number;
  readonly by: "line" | "death";
}

/** Every way to end an operation, request by request, for as long as it has some. */
function* cuts(ways: readonly Cut["by"][]): Generator<Cut> {
  for (let request = 1; ; request += 1) for (const by of ways) yield { request, by };
}

const send = Object.getOwnPropertyDescriptor(AgentSession.prototype, "request")
  ?.value as AgentSession["request"];

/** Does the work, and cuts it there; the error, or undefined where it had no such request. */
async function cutAt(
  host: TestHost,
  { request }: Cut,
  work: () => Promise<unknown>,
): Promise<Error | undefined> {
  let count = 0;
  const place = { reached: false };
  const spy = jest.spyOn(AgentSession.prototype, "request").mockImplementation(async function (
    this: AgentSession,
    ...[op, values, options]: Parameters<typeof send>
  ) {
    const reply = await send.call(this, op, values, options);
    if (LOOKS.has(op) || (count += 1) !== request) return reply;
    place.reached = true;
    // The line breaks before the reply is here, so the error is that of a request without a reply.
    const unanswered = send.call(this, "ping", {}, options);
    this.close("the line was cut");
    return unanswered;
  });
  try {
    await connect(connectionTo(host) as never);
    await work();
  } catch (error) {
    if (!place.reached) throw error;
    return error as Error;
  } finally {
    spy.mockRestore();
  }
  return undefined;
}

/** What `check` makes of the arguments. It is the same each time, so it is asked once. */
const inputs = new Map<Args, Args>();

/** A resource as the engine carries its operations out: it keeps the state that an error brings. */
class Resource {
  id = "";
  props: Args | undefined;
  /** Does the engine die with the operation, so that it keeps no state of it? */
  dies = false;

  constructor(
    private readonly host: TestHost,
    private readonly kind: string,
  ) {}

  private async inputsFor(args: Args): Promise<Args> {
    const news = inputsOf(this.kind, args, connectionTo(this.host));
    const known = inputs.get(args) ?? (await checked(this.kind, {}, news));
    inputs.set(args, known);
    return known;
  }

  async up(args: Args): Promise<void> {
    const { kind, id, props } = this;
    const news = await this.inputsFor(args);
    try {
      const made = props
        ? { id, ...(await provider.update(kind, id, props, news)) }
        : await provider.create(kind, news);
      ({ id: this.id, outs: this.props } = made);
    } catch (error) {
      const partial = error as { readonly id?: string; readonly properties?: Args };
      if (partial.properties && !this.dies)
        ({ id: this.id = id, properties: this.props } = partial);
      throw error;
    }
  }

  /** Has an `up` after a refresh nothing to do? */
  async isSettled(args: Args): Promise<boolean> {
    const { kind, id, props = {} } = this;
    const refreshed = await provider.read(kind, id, props);
    return !(await provider.diff(kind, id, refreshed.props, await this.inputsFor(args))).changes;
  }

  async destroy(): Promise<void> {
    if (this.props) await provider.delete(this.kind, this.id, this.props);
    this.props = undefined;
  }
}

describe.each<Release>(["7.8"])("OpenBSD %s", (release) => {
  let host: TestHost;

  beforeAll(async () => {
    inputs.clear();
    host = await startHost({ release });
    await create(
      "PostfixPackage",
      inputsOf("PostfixPackage", packageOf(release), connectionTo(host)),
    );
    await sh(
      host,
      `printf '# mine\\nexample.com smtp:[10.9.9.9]\\n\\nexample.biz smtp:\\n' > ${TABLE}
       printf '# mine\\nntpd_flags=\\n' > /etc/rc.conf.local
       chmod 640 /etc/rc.conf.local`,
    );
  });
  afterAll(() => host.stop());

  /** The tree, but for the record, which keeps the note of a reload that nobody does here. */
  const left = async (before: Tree): Promise<string[]> =>
    diffTrees(before, await host.snapshot()).filter(
      (line) => !/\/record\.json(\.previous)?: contents$/.test(line),
    );
  /** The keys that the record has, besides those of the package. */
  const keys = async (): Promise<string[]> => {
    const record = await sh(host, "cat /var/db/pulumi-openbsd-postfix/record.json");
    const { keys: all } = JSON.parse(record) as { keys: Record<string, unknown> };
    return Object.keys(all).filter((key) => !key.startsWith("package:"));
  };
  const contents = ({ files }: Subject): Promise<string> =>
    sh(host, `for f in ${files.join(" ")}; do stat -f '%Su:%Sg %Lp' $f; cat $f; done 2>&1; true`);

  describe.each(SUBJECTS)("$name", (subject) => {
    const { kind, first, second, every = false } = subject;
    let bare: Tree;
    /** The files as an undisturbed `up` of each program leaves them. */
    let goals: { first: string; second: string };

    beforeAll(async () => {
      bare = await host.snapshot();
      const one = new Resource(host, kind);
      await one.up(first);
      const asFirst = await contents(subject);
      await one.up(second);
      goals = { first: asFirst, second: await contents(subject) };
      await one.destroy();
      expect(await left(bare)).toEqual([]);
      said();
    });

    /** What the program said before, and what it says in the operation: nothing where it destroys. */
    const OPERATIONS: Readonly<Record<string, readonly [before: readonly Args[], wanted?: Args]>> =
      {
        create: [[], first],
        update: [[first], second],
        revert: [[first, second], first],
        destroy: [[second]],
      };

    const PAIRS = [
      ["update", "the same up", second],
      ["update", "up with the former program", first],
      ["update", "destroy", undefined],
      ["create", "the same up", first],
      ["create", "destroy", undefined],
      ["revert", "the same up", first],
      ["revert", "up with the former program", second],
      ["revert", "destroy", undefined],
      ["destroy", "up", second],
      ["destroy", "destroy", undefined],
    ] as const;
    const pairs = PAIRS.filter(([name]) => every || name === "update");

    test.each(pairs)("%s, cut, then %s", async (name, _next, goal) => {
      const [before, wanted] = OPERATIONS[name] ?? [[]];
      // What state the engine keeps does not depend on the kind.
      for (const cut of cuts(kind === "RcConfLocal" ? ["line", "death"] : ["line"])) {
        const one = new Resource(host, kind);
        for (const args of before) await one.up(args);
        one.dies = cut.by === "death";
        const error = await cutAt(host, cut, () => (wanted ? one.up(wanted) : one.destroy()));
        one.dies = false;
        const at = `${cut.by}, request ${cut.request}: ${String(error)}`;
        if (goal) {
          await one.up(goal);
          const files = goal === first ? goals.first : goals.second;
          expect({ at, files: await contents(subject) }).toEqual({ at, files });
          expect({ at, settled: await one.isSettled(goal) }).toEqual({ at, settled: true });
        }
        // An engine that died in a create has nothing to destroy. Its next `up` takes over what was left.
        if (!one.props && (await keys()).length > 0) await one.up(first);
        await one.destroy();
        expect({ at, blamed: / else /.exec(said()) }).toEqual({ at, blamed: null });
        const gone = { at, left: await left(bare), keys: await keys() };
        expect(gone).toEqual({ at, left: [], keys: [] });
        if (!error) return;
      }
    });

    /** How a host refuses to have the file replaced, and the end of that. The record is elsewhere, and is written. */
    const [file = ""] = subject.files;
    const folder = file.replace(/\/[^/]+$/, "");
    const REFUSALS = {
      "read-only": `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`,
      full: `mkdir /tmp/copy && cp -a ${folder}/. /tmp/copy && mount -t tmpfs -o size=8m tmpfs ${folder} &&
        cp -a /tmp/copy/. ${folder} && rm -r /tmp/copy && { dd if=/dev/zero of=${folder}/full bs=4k 2>/dev/null; true; }`,
      immutable: `mount --bind ${file} ${file}`,
    };
    const END = (how: string): string => `umount ${how === "immutable" ? file : folder}`;

    if (!every) return;
    test.each(Object.entries(REFUSALS))("a write refused because of %s", async (how, refuse) => {
      for (const before of [[], [first]]) {
        const wanted = before.length === 0 ? first : second;
        for (const goal of [wanted, undefined]) {
          const one = new Resource(host, kind);
          for (const args of before) await one.up(args);
          await sh(host, refuse);
          const error = await one.up(wanted).catch((refused: unknown) => refused);
          await sh(host, END(how));
          expect(String(error)).toMatch(/read-only|No space|busy/i);
          if (goal) {
            await one.up(goal);
            const files = goal === first ? goals.first : goals.second;
            expect(await contents(subject)).toBe(files);
            expect(await one.isSettled(goal)).toBe(true);
          }
          await one.destroy();
          expect(said()).not.toContain(" else ");
          expect({ left: await left(bare), keys: await keys() }).toEqual({ left: [], keys: [] });
        }
      }
    });
  });
});
