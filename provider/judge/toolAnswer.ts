/** What a program of the host answered in the judgement. */
import type { JudgementAnswer, RunResult } from "../host/host";

/** `undefined` for a program that was not asked for. */
export type ToolAnswer = JudgementAnswer | undefined;

/** The result of the program, if it ran. */
export function ranTool(answer: ToolAnswer): RunResult | undefined {
  return answer === undefined || "notFound" in answer || "needless" in answer ? undefined : answer;
}
