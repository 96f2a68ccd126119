/** The server as one part of a larger program: the example, under the SDK's own mocks. */
import * as pulumi from "@pulumi/pulumi";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const registered: Registered[] = [];
const finished: string[] = [];

void pulumi.runtime.setMocks(
  {
    newResource: async ({ type, name, inputs }) => {
      registered.push({ type, name, inputs: inputs as Record<string, unknown> });
      // What comes after it must wait for this.
      await new Promise((resolve) => setTimeout(resolve, 5));
      finished.push(name);
      const stdout = type === "command:remote:Command" ? { stdout: "Mail queue is empty" } : {};
      return {
        id: `${name}-id`,
        state: { ...(inputs as object), revision: 1, banner: "220 mx", ...stdout },
      };
    },
    call: () => ({}),
  },
  "with-command",
  "test",
  false,
);
pulumi.runtime.setAllConfig({
  "with-command:host": "mx1.example.org",
  "with-command:domain": "example.org",
  "with-command:hostKey": "ssh-ed25519 AAAA",
  "with-command:privateKey": "-----BEGIN OPENSSH PRIVATE KEY-----",
});
// As an installed package: here it is this repository's source.
jest.mock("pulumi-openbsd-postfix", () => jest.requireActual<object>("../../components"), {
  virtual: true,
});

/** A value without the marks of its secrets. */
function plain(marked: unknown): unknown {
  if (typeof marked !== "object" || marked === null) return marked;
  if ("4dabf18193072939515e22adb298388d" in marked)
    return plain((marked as { readonly value?: unknown }).value);
  return Object.fromEntries(Object.entries(marked).map(([key, item]) => [key, plain(item)]));
}

const value = <T>(output: pulumi.Output<T>): Promise<T> =>
  new Promise((resolve) => output.apply(resolve));

test("a command runs when every step of the server is done, over the same connection", async () => {
  // Loaded after the mocks, as the SDK asks for.
  const example =
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    require("../../examples/with-command") as typeof import("../../examples/with-command");
  expect(await value(example.queued)).toBe("Mail queue is empty");
  const steps = registered.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/openbsd:"));
  const command = registered.find(({ type }) => type === "command:remote:Command");
  expect(steps.length).toBeGreaterThan(8);
  for (const { name } of steps)
    expect(finished.indexOf(name)).toBeLessThan(finished.indexOf("queue"));
  // It was not even begun before.
  const begun = registered.findIndex(({ name }) => name === "queue");
  for (const { name } of steps)
    expect(registered.findIndex((one) => one.name === name)).toBeLessThan(begun);

  const shown = (inputs: Record<string, unknown> | undefined): unknown =>
    plain(inputs?.["connection"]);
  const theirs = shown(command?.inputs) as { readonly host: string };
  expect(theirs.host).toBe("mx1.example.org");
  for (const { inputs } of steps) {
    const {
      dialErrorLimit: _limit,
      perDialTimeout: _timeout,
      ...same
    } = theirs as Record<string, unknown>;
    expect(shown(inputs)).toMatchObject(same);
  }
  expect(command?.inputs["triggers"]).toEqual([1]);
});
