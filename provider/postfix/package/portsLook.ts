/** What there is to build the package with: the ports tree, the compiler, and what the port says of itself. */
import type { FileStat } from "../../host/host";
import { list, Look, probe, type ProbeAnswer, stat } from "../../host/look";
import type { WantedPackage } from "../../openbsd/packages";
import {
  COMPILER,
  INFRASTRUCTURE,
  portFolder,
  type PortsSight,
  POSTFIX_PORTS,
} from "../../openbsd/ports";
import { lastLines } from "../../values/readable";
import { isPostfix } from "./packageDatabase";

/** The ports tree, the compiler, and the branches of the port. */
export function portsLook(): Look<PortsSight> {
  return Look.all({
    tree: stat(INFRASTRUCTURE).map(isThere),
    compiler: stat(COMPILER).map(isThere),
    branches: list(POSTFIX_PORTS).map((folders) =>
      (folders ?? []).filter((folder) => /^(stable\d*|snapshot)$/.test(folder)),
    ),
  });
}

/** Adds what make(1) prints in the port's folder; a separate look, because only a build needs it. */
export function portLook(wanted: WantedPackage, sight: PortsSight): Look<PortsSight> {
  const cwd = portFolder(wanted);
  return Look.all({
    flavors: probe(["/usr/bin/make", "show=FLAVORS"], { cwd }).map(answerOf),
    name: probe(["/usr/bin/make", "show=FULLPKGNAME"], { cwd }).map(answerOf),
  }).map(({ flavors, name }) => {
    const complaint = [flavors, name].find((one) => !one.ok)?.text;
    return {
      ...sight,
      ...(flavors.ok ? { flavors: flavors.text.split(/\s+/).filter((word) => word !== "") } : {}),
      ...(name.ok && isPostfix(name.text) && !/\s/.test(name.text) ? { fullName: name.text } : {}),
      ...(complaint === undefined ? {} : { complaint }),
    };
  });
}

function isThere({ type }: FileStat): boolean {
  return type !== "absent";
}

function answerOf(answer: ProbeAnswer): { readonly ok: boolean; readonly text: string } {
  if ("notFound" in answer) return { ok: false, text: "there is no make(1)" };
  return answer.exitCode === 0
    ? { ok: true, text: answer.stdout.trim() }
    : { ok: false, text: lastLines(`${answer.stdout}\n${answer.stderr}`, 4) };
}
