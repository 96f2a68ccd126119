/**
 * rc.conf.local(8): variables for rc(8), read as the release reads them, and edited without changing any other byte,
 * while `rcctl set` would sort the file and drop its comments.
 *
 * In the sourced syntax an assignment is edited in its place when it is alone on its line and its value is plain
 * text, or plain text after the former value of the variable. Other shell code is evaluated as far as that is
 * possible, and never edited: a new assignment at the end overrides it.
 */
export type { RcValue } from "./rcRead";
export type { RcNames, RcSyntax } from "./rcUnits";
export { checkName, checkValue, get, remove, save, set, undo } from "./rcVariables";
export { addWords, hasWords, removeWords, saveWords, undoWords, type SavedWords } from "./rcWords";
