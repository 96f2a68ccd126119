/** Steps by chance, for fast-check: it makes them from a seed, and makes a sequence that fails as short as it can. */
import * as fc from "fast-check";
import type { Fault, Incident } from "./injection";
import type { Step } from "./run";
import { type Subject, SUBJECTS, type Values } from "./subjects";
import { DISKS } from "./world";

const by = fc.constantFrom("rename" as const, "in place" as const);

const incident: fc.Arbitrary<Incident> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ what: "cut before" } as const) },
  { weight: 3, arbitrary: fc.constant({ what: "cut unanswered" } as const) },
  { weight: 2, arbitrary: fc.constant({ what: "cut after" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("kill" as const),
      program: fc.constantFrom("agent" as const, "sshd" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant("disk" as const),
      how: fc.constantFrom("full" as const, "no inodes" as const, "read-only" as const),
      folder: fc.constantFrom(...DISKS),
    }),
  },
  { weight: 2, arbitrary: by.map((how) => ({ what: "edit", by: how }) as const) },
);

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ request: fc.integer({ min: 1, max: 12 }), incident }) },
  {
    weight: 2,
    arbitrary: fc.record({
      byte: fc.integer({ min: 1, max: 12_000 }),
      from: fc.constantFrom("client" as const, "host" as const),
      mishap: fc.constantFrom("cut" as const, "corrupt" as const),
    }),
  },
);

/** Often one, because most of what goes wrong goes wrong after a fault. */
const perhaps = fc.option(fault, { nil: undefined, freq: 2 });

function valuesOf(subject: Subject): fc.Arbitrary<Values> {
  const value = fc.option(fc.constantFrom(...subject.values), { nil: undefined, freq: 2 });
  return fc
    .tuple(...subject.keys.map(() => value), fc.nat(subject.keys.length - 1))
    .map((chosen) => {
      const values = subject.keys.flatMap((key, nth) => {
        const one = chosen[nth];
        return typeof one === "string" ? [[key, one] as const] : [];
      });
      // A resource owns one key at least.
      const first = subject.keys[chosen.at(-1) as number] ?? "";
      return Object.fromEntries(
        values.length > 0 ? values : [[first, subject.values[0] ?? ""] as const],
      );
    });
}

type Operation = Extract<Step, { do: "up" | "preview" | "refresh" | "destroy" }>;

function withFault(step: fc.Arbitrary<Operation>): fc.Arbitrary<Operation> {
  return fc
    .tuple(step, perhaps)
    .map(([one, what]) => (what === undefined ? one : { ...one, fault: what }));
}

function stepsOf(subject: Subject): fc.Arbitrary<Step> {
  const on = subject.name;
  const values = valuesOf(subject);
  const key = fc.constantFrom(...subject.keys);
  const value = fc.option(fc.constantFrom(...subject.values), { nil: undefined, freq: 3 });
  const up = fc
    .tuple(values, fc.boolean())
    .map(([chosen, prove]): Operation => ({ do: "up", on, values: chosen, prove }));
  const preview = values.map((chosen): Operation => ({ do: "preview", on, values: chosen }));
  const edit = fc.tuple(key, value, by).map(([chosen, to, how]): Step => ({
    do: "edit",
    on,
    key: chosen,
    by: how,
    ...(to === undefined ? {} : { value: to }),
  }));
  return fc.oneof(
    { weight: 20, arbitrary: withFault(up) },
    { weight: 10, arbitrary: withFault(fc.constant({ do: "destroy", on })) },
    { weight: 2, arbitrary: withFault(fc.constant({ do: "refresh", on })) },
    { weight: 2, arbitrary: withFault(preview) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: "lose", on }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: "back up", on }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: "restore", on }) },
    { weight: 4, arbitrary: edit },
    { weight: 2, arbitrary: by.map((how): Step => ({ do: "note", on, by: how })) },
  );
}

/** A sequence for a host. */
export function sequences(longest: number): fc.Arbitrary<readonly Step[]> {
  const step = fc.oneof(
    ...SUBJECTS.map((subject) => ({
      weight: Math.round(100 * subject.weight),
      arbitrary: stepsOf(subject),
    })),
  );
  return fc.array(step, { minLength: 1, maxLength: longest, size: "max" });
}
