/** The example with many servers, under the SDK's own mocks. */
import * as pulumi from "@pulumi/pulumi";
import { table } from "../../examples/fleet/table";

const GROUP = "europe";
const registered: string[] = [];

void pulumi.runtime.setMocks(
  {
    newResource: ({ type, name, inputs }) => {
      registered.push(`${type} ${name}`);
      return { id: name, state: { ...(inputs as object), revision: 1, banner: `220 ${name}` } };
    },
    call: () => ({}),
  },
  "fleet",
  GROUP,
  false,
);
// As an installed package: here it is this repository's source.
jest.mock("pulumi-openbsd-postfix", () => jest.requireActual<object>("../../components"), {
  virtual: true,
});

test("each row of the stack's group becomes a server, and no other row", async () => {
  // Loaded after the mocks, as the SDK asks for.
  const { banners } =
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    require("../../examples/fleet") as typeof import("../../examples/fleet");
  const hosts = table.filter(({ group }) => group === GROUP).map(({ host }) => host);
  expect(hosts.length).toBeGreaterThan(1);
  expect(hosts.length).toBeLessThan(table.length);
  const known = await new Promise((resolve) => pulumi.output(banners).apply(resolve));
  expect(known).toEqual(Object.fromEntries(hosts.map((host) => [host, `220 ${host}-service`])));
  const servers = registered.filter((one) =>
    one.startsWith("openbsd-postfix:index:PostfixServer "),
  );
  expect(servers.map((one) => one.split(" ")[1])).toEqual(hosts);
});
