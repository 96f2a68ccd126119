/** Whole configurations that work, as servers have them, with other names: none of them may fail. */
import { lists } from "./lists";
import { mailboxes } from "./mailboxes";
import type { WholeConfiguration } from "./shape";
import { sites } from "./sites";

export type { WholeConfiguration } from "./shape";

export const whole: readonly WholeConfiguration[] = [...mailboxes, ...lists, ...sites];
