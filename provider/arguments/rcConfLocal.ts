/** The arguments of `RcConfLocal`. */
import { list, oneOf, optional, record, step, text } from "./schema";

/** Arguments of `RcConfLocal`. */
export interface RcConfLocalArgs {
  /**
   * With `"postfix"`, Postfix starts at boot and the base mailer does not, by the lines that the release needs for that. With
   * `"unchanged"`, the step sets none of these lines. @defaultValue "postfix"
   */
  readonly boot?: "postfix" | "unchanged";
  /**
   * Does syslogd(8) open a log socket in Postfix's chroot? With `"auto"` it does on releases before 5.6, which need it.
   * @defaultValue "auto"
   */
  readonly logSocket?: boolean | "auto";
  /** Whole variables by name, such as `{ ntpd_flags: "-s" }`. A value is one line without quotes, `#`, `$`, backquote or backslash. */
  readonly variables?: Readonly<Record<string, string>>;
  /**
   * Single flags inside a variable, such as `{ syslogd_flags: ["-h"] }`. The variable's other flags stay, whether they are
   * from rc.conf.local or from rc.conf. A daemon whose flags are `NO` is off, and a flag does not turn it on.
   */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
  /** Names in `pkg_scripts` (from 5.0), each of a script in /etc/rc.d. Other names in it stay. */
  readonly packageScripts?: readonly string[];
}

const VALUE = text(
  /^[^"'#$`\\\n\r\0]*$/,
  "must be one line without quotes, `#`, `$`, backquote or backslash: older releases source this file as shell, newer ones cut at `#`.",
);

function nameFault(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? undefined : "is no name of a shell variable.";
}

/** What each argument of `RcConfLocal` may be. */
export const rcConfLocalArguments = step<RcConfLocalArgs>({
  boot: optional(oneOf(["postfix", "unchanged"], 'must be "postfix" or "unchanged".')),
  logSocket: optional(oneOf([true, false, "auto"], 'must be true, false or "auto".')),
  variables: optional(record("must be values by the names of variables.", nameFault, () => VALUE)),
  flags: optional(
    record("must be lists of flags by the names of variables.", nameFault, () =>
      list(VALUE, "must be a list of flags."),
    ),
  ),
  packageScripts: optional(
    list(
      text(/^[A-Za-z0-9_.-]+$/, "must be the name of a script in /etc/rc.d."),
      "must be a list of names of scripts in /etc/rc.d.",
    ),
  ),
});
