/** Figures that the tests find, for docs/reliability.md: tools/reliability.mjs reads them from the file of this name. */
import { appendFileSync } from "node:fs";

const file = process.env["PULUMI_OPENBSD_POSTFIX_FIGURES"];

/** Notes a figure of a fault, e.g. how many points were cut. */
export function figure(fault: string, text: string): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ fault, text })}\n`);
}
