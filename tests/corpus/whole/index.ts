/** Whole configurations that work, as servers have them, with other names: none of them may fail. */
import { directories } from "./directories";
import { lists } from "./lists";
import type { WholeConfiguration } from "./shape";
import { sites } from "./sites";
import { sql } from "./sql";

export type { WholeConfiguration } from "./shape";

export const whole: readonly WholeConfiguration[] = [...sql, ...directories, ...lists, ...sites];
