/** A main.cf that the host's tools can check without touching Postfix's own queue and data. */
import { commentedOut, set } from "../formats/mainCf";

/**
 * The same text with a queue and a data folder in the judgement's private folder, which the agent puts for `{dir}`. Their
 * lines come last and former ones become comments, so that every other line keeps its number in the tools' messages.
 */
export function stagedMainCf(main: string): string {
  const folders = { queue_directory: "{dir}/queue", data_directory: "{dir}/data" };
  return Object.entries(folders).reduce(
    (text, [name, folder]) => set(commentedOut(text, name), name, folder),
    main,
  );
}
