/**
 * The lean process for dynamic providers beside the SDK's own: both run, are asked the same by gRPC, and must answer the
 * same to the byte.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runtime } from "@pulumi/pulumi";
import type * as Grpc from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import fc from "fast-check";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { type Finding, providerText } from "../../components/providerText";

const repository = resolve(__dirname, "../..");
/** The SDK's own copy. */
const grpc = createRequire(require.resolve("@pulumi/pulumi/package.json"))(
  "@grpc/grpc-js",
) as typeof Grpc;

type Values = Record<string, JavaScriptValue>;

/** What came back: the bytes of the answer, or the error with its details. */
type Answer =
  | { readonly bytes: Buffer }
  | { readonly code: number; readonly details: string; readonly state: readonly unknown[] };

/** A process for dynamic providers, with an engine that hears what it says. */
class ProviderProcess {
  readonly heard: unknown[] = [];
  readonly #engine = new grpc.Server();
  #child: ChildProcess | undefined;
  #client: Grpc.Client | undefined;

  constructor(
    private readonly command: string,
    private readonly args: readonly string[],
    private readonly environment: Readonly<Record<string, string>> = {},
  ) {}

  /** Starts the process, in the folder of a program and with a script that runs before it. */
  async start(folder: string, before?: string): Promise<this> {
    this.#engine.addService(EngineService, {
      log: (call: { request: LogRequest }, done: (error: null, answer: Empty) => void) => {
        this.heard.push(call.request.toObject());
        done(null, new Empty());
      },
    });
    const insecure = grpc.ServerCredentials.createInsecure();
    const engine = await new Promise<number>((resolve, reject) => {
      this.#engine.bindAsync("127.0.0.1:0", insecure, (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    const child = spawn(this.command, [...this.args, `127.0.0.1:${engine}`], {
      cwd: folder,
      env: {
        ...process.env,
        ...this.environment,
        ...(before ? { NODE_OPTIONS: `--require ${before}` } : {}),
      },
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    const address = `127.0.0.1:${port.toString().trim()}`;
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure());
    return this;
  }

  ask(path: string, request: Uint8Array): Promise<Answer> {
    const same = (bytes: Buffer): Buffer => bytes;
    return new Promise((resolve) => {
      const deadline = Date.now() + 15_000;
      this.#client?.makeUnaryRequest(
        path,
        same,
        same,
        Buffer.from(request),
        { deadline },
        (error, bytes) => {
          if (error === null) resolve({ bytes: bytes ?? Buffer.alloc(0) });
          else {
            const { code, details, metadata } = error;
            resolve({ code, details, state: metadata.get("grpc-status-details-bin") });
          }
        },
      );
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends the process as the engine does; how it ended. */
  async end(): Promise<readonly unknown[]> {
    this.#client?.close();
    this.#engine.forceShutdown();
    const child = this.#child;
    if (child === undefined) return [];
    const ended = once(child, "exit");
    child.kill("SIGINT");
    return ended;
  }
}

const bundled = (): ProviderProcess =>
  new ProviderProcess(process.execPath, [
    require.resolve("@pulumi/pulumi/cmd/dynamic-provider/index.js"),
  ]);
const lean = (environment?: Readonly<Record<string, string>>): ProviderProcess =>
  new ProviderProcess(join(repository, "plugin/pulumi-resource-pulumi-nodejs"), [], environment);

let folder: string;
let both: readonly [ProviderProcess, ProviderProcess];

/** Asks both; the answer, which is the same. */
async function ask(method: string, request: Uint8Array): Promise<Answer> {
  const path = `/pulumirpc.ResourceProvider/${method}`;
  const [one, other] = await Promise.all([both[0].ask(path, request), both[1].ask(path, request)]);
  expect(other).toEqual(one);
  return one;
}

beforeAll(async () => {
  execFileSync(process.execPath, ["tools/build.mjs"], { cwd: repository });
  folder = mkdtempSync(join(tmpdir(), "openbsd-postfix-plugin-"));
  both = [await bundled().start(repository), await lean().start(repository)];
  const configuration = new proto.ConfigureRequest();
  const secret = { [runtime.specialSigKey]: runtime.specialSecretSig, value: "hidden" };
  configuration.setArgs(Struct.fromJavaScript({ "p:plain": "shown", "p:secret": secret }));
  await ask("Configure", configuration.serializeBinary());
}, 120_000);

afterAll(async () => {
  // Both end by the signal with which the engine ends them.
  expect(await both[1].end()).toEqual(await both[0].end());
  rmSync(folder, { recursive: true, force: true });
});

/** What a provider of the user's program does when it is called: whatever the properties say. */
const METHODS = {
  configure: `configure({ config }) { values = ["p:plain", "p:secret", "p:missing"].map((key) => config.get(key) ?? "none"); }`,
  check: `async check(olds, news) { return obey(news, { inputs: news, failures: news.failures }); }`,
  diff: `async diff(id, olds, news) { return obey(news, news.answer ?? {}); }`,
  create: `async create(inputs) { return obey(inputs, { id: "made", outs: { ...inputs, values } }); }`,
  read: `async read(id, props) { return obey(props, { id, props, inputs: props.inputs }); }`,
  update: `async update(id, olds, news) { return obey(news, { outs: { ...olds, ...news } }); }`,
  delete: `async delete(id, props) { return obey(props); }`,
};

const textWith = (methods: readonly (keyof typeof METHODS)[]): string => `
let values;
function obey(said, answer) {
  if (said.throws === "error") throw new Error(said.message);
  if (said.throws === "state")
    throw Object.assign(new Error(said.message), { id: "half", properties: said, reasons: [said.message] });
  return said.throws === "nothing" ? undefined : answer;
}
exports.handler = () => ({ ${methods.map((one) => METHODS[one]).join(",\n")} });`;

const marked = (mark: string, of: Values): Values => ({ [runtime.specialSigKey]: mark, ...of });

/** Values as the engine sends them, with everything that it marks. */
const { value } = fc.letrec<{ value: JavaScriptValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<JavaScriptValue>(null, true, false, "", runtime.unknownValue),
    fc.double(),
    fc.string({ unit: "grapheme" }),
    tie("value").map((inner) => marked(runtime.specialSecretSig, { value: inner })),
    fc.string().map((text) => marked(runtime.specialAssetSig, { text })),
    fc.string().map((urn) => marked(runtime.specialResourceSig, { urn })),
    tie("value").map((inner) => marked(runtime.specialOutputValueSig, { value: inner })),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 3 }),
  ),
}));

/** What the provider is to do, beside any other properties. */
const orders = fc.record<Values>(
  {
    // To something thrown that is no error, the SDK's process never answers.
    throws: fc.constantFrom<JavaScriptValue>("error", "state", "nothing", null),
    message: fc.string(),
    failures: fc.array(fc.record({ property: fc.string(), reason: fc.string() }), { maxLength: 2 }),
    answer: fc.record<Values>(
      {
        changes: fc.constantFrom<JavaScriptValue>(true, false, null),
        replaces: fc.array(fc.string(), { maxLength: 2 }),
        deleteBeforeReplace: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
    inputs: fc.dictionary(fc.string(), value, { maxKeys: 2 }),
  },
  { requiredKeys: [] },
);
const properties = fc
  .tuple(fc.dictionary(fc.string(), value, { maxKeys: 4 }), orders)
  .map(([some, others]): Values => ({ ...some, ...others }));

/** The requests of a resource's life. */
function requests(olds: Values, news: Values): readonly (readonly [string, Uint8Array])[] {
  const [old, wanted] = [Struct.fromJavaScript(olds), Struct.fromJavaScript(news)];
  const check = new proto.CheckRequest();
  check.setOlds(old);
  check.setNews(wanted);
  const diff = new proto.DiffRequest();
  const update = new proto.UpdateRequest();
  for (const one of [diff, update]) {
    one.setId("id");
    one.setOlds(old);
    one.setNews(wanted);
  }
  const create = new proto.CreateRequest();
  create.setProperties(wanted);
  const read = new proto.ReadRequest();
  const remove = new proto.DeleteRequest();
  for (const one of [read, remove]) {
    one.setId("id");
    one.setProperties(old);
  }
  return Object.entries({
    Check: check,
    Diff: diff,
    Create: create,
    Read: read,
    Update: update,
    Delete: remove,
  }).map(([method, request]) => [method, request.serializeBinary()]);
}

test("whatever a provider of the user's program is given, does or has not, both processes answer the same", async () => {
  const seen = new Set<string>();
  const names = Object.keys(METHODS) as (keyof typeof METHODS)[];
  const text = fc.oneof(
    { weight: 6, arbitrary: fc.constant(textWith(names)) },
    { weight: 2, arbitrary: fc.subarray(names).map(textWith) },
    fc.constantFrom("exports.handler = () => {", "", runtime.unknownValue),
  );
  await fc.assert(
    fc.asyncProperty(properties, properties, text, async (olds, news, __provider) => {
      // While a provider's text is not known, the engine gives the old one.
      const old = __provider === runtime.unknownValue ? textWith(names) : __provider;
      for (const [method, request] of requests(
        { ...olds, __provider: old },
        { ...news, __provider },
      )) {
        const answer = await ask(method, request);
        if ("bytes" in answer) seen.add(`${method} answers`);
        else seen.add(answer.state.length > 0 ? `${method} fails with a state` : `${method} fails`);
      }
    }),
    { numRuns: 100 },
  );
  // The law says something about all of these.
  for (const { 0: method } of requests({}, {})) {
    expect(seen).toContain(`${method} answers`);
    expect(seen).toContain(`${method} fails`);
  }
  expect(seen).toContain("Create fails with a state");
  expect(seen).toContain("Update fails with a state");
}, 60_000);

// Without arguments, the SDK's process never answers to Configure.
const others = Object.values(ResourceProviderService as unknown as Grpc.ServiceDefinition).filter(
  ({ path, responseStream }) => !path.endsWith("/Configure") && !responseStream,
);
test.each(others.map(({ path }) => path.split("/").at(-1) ?? ""))(
  "to an empty request %s both processes answer the same",
  async (method) => {
    await ask(method, new Uint8Array());
  },
);

test("a provider that uses the SDK has all of it in both processes", async () => {
  const text = `
const pulumi = require("@pulumi/pulumi");
exports.handler = () => ({
  async create(inputs) {
    const { text } = await pulumi.runtime.serializeFunction(() => inputs.one);
    const secret = await pulumi.secret("s").isSecret;
    const names = ["@pulumi/pulumi/runtime", "semver", "@opentelemetry/api"].map((name) => Object.keys(require(name)).sort());
    return { id: "used", outs: { text, secret, names } };
  },
});`;
  const create = new proto.CreateRequest();
  create.setProperties(Struct.fromJavaScript({ one: 1, __provider: text }));
  const answer = await ask("Create", create.serializeBinary());
  if (!("bytes" in answer)) throw new Error(answer.details);
  const made = proto.CreateResponse.deserializeBinary(answer.bytes);
  expect(made.getProperties()?.toJavaScript()).toMatchObject({
    secret: true,
    text: expect.stringContaining("exports.handler") as string,
    names: [
      expect.arrayContaining(["serializeFunction", "grpcChannelOptions"]),
      expect.anything(),
      expect.anything(),
    ],
  });
});

/** What the engine asks of a step of ours, with a text as a state has it. */
function ours(finding: Finding, more: Values): Values {
  // Nobody listens there.
  const connection = { host: "127.0.0.1", port: 1, dialErrorLimit: 1, password: "not told" };
  return {
    connection,
    boot: "unchanged",
    logSocket: false,
    ...more,
    __provider: providerText("RcConfLocal", finding),
  };
}

test.each(["from the program", "through packages"] as const)(
  "of our own steps both processes answer and say the same: a text that finds the package %s",
  async (finding) => {
    for (const more of [
      { variables: { ntpd_flags: "-s" } },
      { variables: { ntpd_flags: "-s" }, boot: runtime.unknownValue },
      { variables: { "no name": 1 } },
    ])
      for (const [method, request] of requests(ours(finding, more), ours(finding, more)))
        await ask(method, request);
    expect(both[1].heard).toEqual(both[0].heard);
  },
  60_000,
);

test("for our steps the lean process loads nothing of the SDK's runtime and of the libraries that nobody asked for", async () => {
  const [list, loaded] = [join(folder, "list.js"), join(folder, "loaded.json")];
  writeFileSync(
    list,
    `process.on("SIGUSR2", () => require("fs").writeFileSync(${JSON.stringify(loaded)}, JSON.stringify(Object.keys(require.cache))));`,
  );
  const unwanted = [
    "@pulumi/pulumi/runtime/index.js",
    "typescript",
    "@npmcli/arborist",
    "semver",
    "@opentelemetry/api",
    "ssh2",
    "node-ssh",
    "nodemailer",
    "diff",
  ];
  const wrong = ours("from the program", { variables: { "no name": 1 } });
  const found: string[][] = [];
  for (const one of [bundled(), lean()]) {
    await one.start(repository, list);
    for (const [method, request] of requests(wrong, wrong).slice(0, 1))
      await one.ask(`/pulumirpc.ResourceProvider/${method}`, request);
    rmSync(loaded, { force: true });
    one.signal("SIGUSR2");
    for (let tries = 0; tries < 100 && !existsSync(loaded); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await one.end();
    const files = JSON.parse(readFileSync(loaded, "utf8")) as string[];
    expect(files.some((file) => file.endsWith("/dist/provider/kinds/rcConfLocal.js"))).toBe(true);
    found.push(
      unwanted.filter((name) => files.some((file) => file.includes(`/node_modules/${name}`))),
    );
  }
  expect(found).toEqual([unwanted.slice(0, 5), []]);
}, 60_000);

test("where Node can keep what it compiled, that is kept when the engine ends the process, for the user alone", async () => {
  const process = lean({ PULUMI_OPENBSD_POSTFIX_CACHE: join(folder, "cache") });
  await process.start(repository);
  expect(await process.end()).toEqual([null, "SIGINT"]);
  const kept = join(folder, "cache/compiled");
  expect(existsSync(kept)).toBe("flushCompileCache" in Module);
  if (existsSync(kept)) expect(statSync(kept).mode & 0o077).toBe(0);
});
