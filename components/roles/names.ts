/** Names of mail in the arguments of roles: domains, addresses, restrictions. */
import * as pulumi from "@pulumi/pulumi";
import { type Schema, text } from "../../provider/arguments/schema";

/** The schema of an argument that may be an output: what is not known yet passes every schema. */
export function input<T>(schema: Schema<T>): Schema<pulumi.Input<T>> {
  return { failures: schema.failures };
}

const DOMAIN = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i;

export function domainFault(name: string): string | undefined {
  return DOMAIN.test(name) ? undefined : "must be the name of a domain, as in example.org.";
}

/** Domains whose names differ in the case of letters only are one. */
export const foldedDomains = {
  of: (name: string): string => name.toLowerCase(),
  why: "the case of letters does not matter in a domain",
} as const;

/** The local part of an address in a domain, or of one that is only a local part; `undefined` for another domain. */
export function localPartOf(address: string, domain: string): string | undefined {
  const [local = "", its, ...more] = address.split("@");
  if (more.length > 0) return undefined;
  return its === undefined || its.toLowerCase() === domain.toLowerCase() ? local : undefined;
}

/** The whole address for a local part of a domain; an address is one already. */
export function addressIn(domain: string, name: pulumi.Input<string>): pulumi.Input<string> {
  const whole = (one: string): string => (one.includes("@") ? one : `${one}@${domain}`);
  return typeof name === "string" ? whole(name) : pulumi.output(name).apply(whole);
}

/** One restriction with its argument, as in `reject_rbl_client zen.spamhaus.org`. Which there are is judged in the preview. */
export const restriction = input(
  text(/^[^\s,][^,\n]*$/, "must be one restriction with its argument, without a comma."),
);
