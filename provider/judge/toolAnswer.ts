/** What a program of the host answered in the judgement. */
import type { RunResult } from "../host/host";

/** `undefined` for a program that was not run. */
export type ToolAnswer = RunResult | { readonly notFound: true } | undefined;

/** The result of the program, if it ran. */
export function ranTool(answer: ToolAnswer): RunResult | undefined {
  return answer === undefined || "notFound" in answer ? undefined : answer;
}
