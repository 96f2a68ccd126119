/** What the tests of packages share: runs that may be cut, and waiting for what a host does. */
import * as provider from "../../provider";
import { diffTrees, type TestHost, type Tree } from "../../testing";
import { connectionTo } from "../preview/server";
import { mirror } from "./fidelity/row";
import { forgetPlans } from "../../provider/driver/overlay";
import { appliedOf, checked, inputsOf, type Made, said } from "./provider";

export const KIND = "PostfixPackage";

/** What a program says of the package on this host. */
export function news(host: TestHost, args: Record<string, unknown>): Record<string, unknown> {
  return inputsOf(KIND, args, connectionTo(host));
}

/** The same, where packages come from the host's mirror. */
export function fromMirror(
  host: TestHost,
  args: Record<string, unknown> = {},
): Record<string, unknown> {
  return news(host, { packagePath: mirror(host.release), ...args });
}

/** What a preview says. */
export async function preview(wanted: Record<string, unknown>, made?: Made): Promise<string> {
  forgetPlans();
  said();
  const owner = { ...(wanted["owner"] as Record<string, unknown>), preview: true };
  await checked(KIND, made?.inputs ?? {}, { ...wanted, owner });
  return said();
}

/**
 * A run as the engine makes it: a create where there is nothing in the state yet, an update otherwise; and where it
 * fails after a change, the state that the error carries.
 */
export async function attempt(
  wanted: Record<string, unknown>,
  made?: Made,
): Promise<{ readonly error?: string; readonly made: Made | undefined }> {
  try {
    const inputs = await checked(KIND, made?.inputs ?? {}, wanted);
    if (made) {
      const { outs } = await provider.update(KIND, made.id, made.props, inputs);
      return { made: { ...made, news: wanted, props: outs, inputs } };
    }
    const { id, outs } = await provider.create(KIND, inputs);
    return { made: { kind: KIND, id, news: wanted, props: outs, inputs } };
  } catch (error) {
    const { message, properties } = error as Error & { properties?: Record<string, unknown> };
    if (!properties) return { error: message, made };
    const inputs = appliedOf(KIND, properties);
    const id = made?.id ?? "PostfixPackage/postfix";
    return { error: message, made: { kind: KIND, id, news: wanted, props: properties, inputs } };
  }
}

/** Asks the host until the answer is success. */
export async function eventually(host: TestHost, question: string, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while ((await host.exec(["/bin/sh", "-c", question])).exitCode !== 0) {
    if (Date.now() > end) throw new Error(`never: ${question}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The first of all paths that are not as they were. */
export async function changed(host: TestHost, before: Tree): Promise<string[]> {
  return diffTrees(before, await host.snapshot()).slice(0, 12);
}
