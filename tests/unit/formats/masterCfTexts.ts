import fc from "fast-check";
import { manyLines } from "./manyLines";
import type { ServiceFields } from "../../../provider/formats/masterCf";

/** Services that begin alike. */
export const names = ["smtp/inet", "smtp/unix", "smtpd/pass", "submission/inet", "a/fifo"] as const;
export const parameters = [
  "smtpd_tls_security_level",
  "smtpd_tls",
  "my",
  "content_filter",
] as const;

const blanks = fc.constantFrom(" ", "  ", "\t", "       ", " \t ", "\r");
const service = fc.constantFrom(...names).map((name) => name.split("/") as [string, string]);
const column = fc.constantFrom("-", "y", "n", "60", "60?", "0");
const override = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom("-o ", "-o", "-o\t", "-vo "),
        fc.constantFrom(...parameters),
        fc.constantFrom("", "x", "a,b", "$my", "{b}", "=", "\xff"),
      )
      .map(([o, n, v]) => `${o}${n}=${v}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...parameters), fc.constantFrom("a b", "", "{x} y", "a,\t b"))
      .map(([n, v]) => `-o { ${n} = ${v} }`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("-o", "-o x", "-o {my=x", "-o {my=x}y", "-o =x", "-o {}"),
  },
);
const arg = fc.oneof(
  { weight: 6, arbitrary: override },
  fc.constantFrom(
    "-v",
    "-D",
    "-",
    "--",
    "flags=DRhu",
    "user=vmail",
    "argv=/bin/x",
    "${recipient}",
    "#x",
    "\0",
    "{",
    "}",
    "{ a b }",
  ),
);
const between = fc.oneof(
  { weight: 5, arbitrary: blanks },
  { weight: 3, arbitrary: fc.constantFrom("\n  ", "\n\t", "\r\n ") },
  { weight: 1, arbitrary: fc.constantFrom("\n# note\n  ", "\n\n  ", "\n  #-o my=x\n\t") },
);
const end = fc.constantFrom("\n", "\n", "\n", "\r\n");

const entry = fc
  .tuple(
    service,
    fc.array(fc.tuple(blanks, column), { minLength: 5, maxLength: 5 }),
    blanks,
    fc.constantFrom("smtpd", "smtp", "pipe", "x"),
    fc.array(fc.tuple(between, arg), { maxLength: 5 }),
  )
  .map(
    ([[name, type], columns, gap, command, args]) =>
      `${name}${gap}${type}${columns.map(([s, c]) => s + c).join("")}${gap}${command}${args.map(([s, a]) => s + a).join("")}`,
  );

const line = fc.oneof(
  { weight: 6, arbitrary: entry },
  { weight: 2, arbitrary: entry.map((text) => `#${text.replace(/\n/g, "\n#")}`) },
  { weight: 2, arbitrary: fc.tuple(blanks, arg).map(([s, a]) => s + a) },
  { weight: 2, arbitrary: fc.constantFrom("", "# note", "  # indented", " ", "\r") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "smtp inet n - -",
      "smtp inet",
      "smtp/inet",
      "\0",
      "{ x } inet n - - - - smtpd",
      "= x",
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: "binary-ascii", maxLength: 8 })
      .map((text) => text.replaceAll("\n", "")),
  },
);

/** master.cf as nobody would write it. */
export const texts = fc
  .tuple(manyLines(fc.tuple(line, end), 10), line, fc.boolean())
  .map(
    ([all, last, open]) =>
      all.map(([text, newline]) => text + newline).join("") + (open ? last : ""),
  );

const flag = fc.constantFrom("-", "y", "n");
export const overrideValues = fc
  .oneof(
    fc.constantFrom(
      "",
      "x",
      "a,b",
      "a b",
      "encrypt",
      "{x}",
      "${a?{b c}}",
      "a\tb",
      "\xff\xfe",
      "=",
      "}",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 8 }),
  )
  .map((text) => text.replace(/[\n\0{}]/g, "").replace(/^[\s\v]+|[\s\v]+$/g, ""));

/** Services that `set` takes. */
export const services: fc.Arbitrary<ServiceFields> = fc.record({
  private: flag,
  unprivileged: flag,
  chroot: flag,
  wakeup: fc.constantFrom("-", "60", "60?", "0"),
  maxproc: fc.constantFrom("-", "0", "1", "10"),
  command: fc.constantFrom("smtpd", "pipe", "smtp"),
  args: fc.constantFrom(
    [],
    ["-v"],
    ["flags=R", "user=x", "argv=/bin/x", "-o", "a=b"],
    ["{ a b }"],
    ["-D", "x"],
  ),
  overrides: fc.dictionary(fc.constantFrom(...parameters), overrideValues, {
    noNullPrototype: true,
  }),
});

export const foreignLine = fc.constantFrom(
  "# note\n",
  "\n",
  "other unix - - n - - x\n",
  "  # indented\n",
);
