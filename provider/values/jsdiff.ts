/** The library that finds differences of texts. It is loaded when there is one, which most runs do not find. */
// eslint-disable-next-line @typescript-eslint/no-require-imports
export const jsdiff = (): typeof import("diff") => require("diff") as typeof import("diff");
