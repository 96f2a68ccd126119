/** The errors of a host that cannot be reached. */
import { noteReached, waysOut } from "../../provider/driver/machine";
import { HostError } from "../../provider/host/errors";

const connection = { host: "mx.example.org" };

function said(name: string): string {
  const details = { host: "root@mx.example.org:22", during: "connecting", reason: "no answer" };
  const error = new HostError("unreachable", { ...details, changed: "no", next: "" });
  return waysOut(error, connection, `urn:pulumi:s::p::t::${name}`).message;
}

test("the first resource says what happened in full, the others refer to it, until the host was reached again", () => {
  expect(said("one")).toMatch(/connecting failed: no answer. Nothing was changed/);
  expect(said("two")).toMatch(/cannot be reached, as one says/);
  expect(said("one")).toMatch(/connecting failed: no answer. Nothing was changed/);
  noteReached(connection);
  expect(said("two")).toMatch(/connecting failed: no answer. Nothing was changed/);
  expect(said("one")).toMatch(/cannot be reached, as two says/);
});
