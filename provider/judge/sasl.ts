/** SASL without a plug-in that does it: smtpd(8) and smtp(8) end at their start (SASL_README). */
import { expand } from "../postfix/values";
import { suggestion } from "../values/nearestName";
import { type Candidate, type Complaint, type Setting, settingsOf } from "./candidate";

/** The parameters that turn SASL on, and what each needs. */
interface Side {
  readonly type: string;
  /** The plug-ins that this Postfix has for it; `undefined` where they are not known. */
  readonly types: ReadonlySet<string> | undefined;
}

function sideOf(name: string, { sasl }: Candidate["knowledge"]): Side | undefined {
  const client = /^(smtp|lmtp)_sasl_auth_enable$/.exec(name)?.[1];
  if (client !== undefined) return { type: `${client}_sasl_type`, types: sasl?.clients };
  return name === "smtpd_sasl_auth_enable"
    ? { type: "smtpd_sasl_type", types: sasl?.servers }
    : undefined;
}

/** The plug-in that Postfix takes where none is named. */
const DEFAULT_TYPE = "cyrus";

export function saslComplaints(candidate: Candidate): Complaint[] {
  return settingsOf(candidate).flatMap((setting) => {
    const side = sideOf(setting.name, candidate.knowledge);
    if (side?.types === undefined || !isOn(setting)) return [];
    const type = expand(setting.lookup(side.type) ?? DEFAULT_TYPE, setting.lookup);
    if (side.types.has(type)) return [];
    const { file, line, subject, name } = setting;
    const reason = `${name}: this Postfix has no SASL of the type "${type}", which ${side.type} names${hint(type, side.types)}`;
    const names = setting.service?.overrides.some((one) => one.name === side.type);
    return [
      { rule: "sasl", file, line, subject, reason, ...(names === true ? { final: true } : {}) },
    ];
  });
}

function isOn({ value, lookup }: Setting): boolean {
  return expand(value, lookup).toLowerCase() === "yes";
}

function hint(type: string, types: ReadonlySet<string>): string {
  if (type !== DEFAULT_TYPE) return suggestion(type, types);
  const others = [...types].map((one) => `"${one}"`);
  const other = others.length === 0 ? "" : `, or name ${others.join(" or ")}`;
  return `: it comes with the package's flavor "sasl2"${other}`;
}
