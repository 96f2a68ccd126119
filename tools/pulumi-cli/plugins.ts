/** Runs Node programs; comes with the CLI. */
export const languageHost = "pulumi-language-nodejs";

/** Starts the process in which dynamic providers run; comes with the CLI and with the SDK. */
export const launcher = "pulumi-resource-pulumi-nodejs";
