/**
 * rc.conf.local(8): variables for rc(8), read as the release reads them, edited without touching any other
 * byte; `rcctl set` would sort the file and drop its comments.
 *
 * In the sourced syntax an assignment is edited in its place when it has its line for itself and assigns
 * plain text, or plain text after the variable's own value. Any other shell is read where that is possible
 * and never touched: a new assignment at the end then overrides it.
 */
export type { RcValue } from "./rcRead";
export type { RcSyntax } from "./rcUnits";
export { checkName, checkValue, get, remove, save, set, undo } from "./rcVariables";
export { addWords, hasWords, removeWords, saveWords, undoWords, type SavedWords } from "./rcWords";
