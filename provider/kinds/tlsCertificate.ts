/**
 * The certificate and the private key of Postfix's TLS. Their files are asked for by digest, and by what may be told of
 * them (the fact "pem"): no byte of a private key comes from the host, and the record keeps none, but a copy beside it.
 */
import { type TlsCertificateArgs, tlsCertificateArguments } from "../arguments/tlsCertificate";
import { hidesFromOthers } from "../contract/hiddenFile";
import type {
  Change,
  Failure,
  JudgeContext,
  Kind,
  Plan,
  PlanContext,
  RestoreContext,
} from "../contract/kind";
import { claimWholeFile, isOurs, restoreWholeFile, writeSaved } from "../contract/wholeFile";
import { encodeUtf8 } from "../formats/bytes";
import { isCertificate, isPrivateKey } from "../formats/pem";
import { digestOf, type FileDigest, fileAt, type FileStat } from "../host/fileState";
import type { PemState } from "../host/host";
import { digest, Look, pem, printed, probe, stat } from "../host/look";
import type { HostRecord, Json } from "../host/record";
import { RECORD } from "../host/recordLook";
import type { Platform } from "../openbsd/platform";
import {
  certificateFacts,
  ENCRYPTED,
  keyIn,
  type KnownKey,
  pairFaults,
  type PairFault,
  publicHalfIn,
} from "../postfix/tlsPair";
import { sha256 } from "../values/digest";
import { equal } from "../values/json";

type Part = "certificate" | "privateKey";
const PARTS: readonly Part[] = ["certificate", "privateKey"];

/** The arguments, with those that `complete` fills in. */
interface Completed extends TlsCertificateArgs {
  /** The mode and the owner of each file that belongs to the step, as in "0600 root:wheel". */
  readonly permissions?: Readonly<Partial<Record<Part, string>>>;
  /** Whether a file that is somebody else's has changed since the last `up`. */
  readonly watched?: string;
}

/** A file with a certificate or a key, without its bytes. */
interface Seen {
  readonly file: FileDigest;
  readonly pem: PemState | null;
}

interface Observed extends Readonly<Record<Part, Seen>> {
  /** The folder of the private key. */
  readonly keyFolder: FileStat;
  /** What openssl(1) of the host says of a private key that is there; nothing where it was not asked. */
  readonly publicHalf: KnownKey | undefined;
  /** The host's time in seconds; `undefined` where it did not tell. */
  readonly clock: number | undefined;
  readonly record: HostRecord;
  /** Files that steps of this kind own elsewhere: what this one may have owned under another path. */
  readonly elsewhere: Readonly<Record<string, FileDigest>>;
}

const MODES: Readonly<Record<Part, number>> = { certificate: 0o644, privateKey: 0o600 };
const UNCHANGED = "unchanged since the last up";

function pathOf(part: Part, args: TlsCertificateArgs): string {
  return part === "certificate" ? args.certificatePath : args.privateKeyPath;
}

/** The argument that is to blame for a part. */
function propertyOf(part: Part, args: TlsCertificateArgs): string {
  return args[part] === undefined ? `${part}Path` : part;
}

/** The parts whose texts are given, and whose files therefore belong to the step. */
function ownParts(args: TlsCertificateArgs): Part[] {
  return PARTS.filter((part) => args[part] !== undefined);
}

/** The parts whose files are somebody else's. */
function foreignParts(args: TlsCertificateArgs): Part[] {
  return PARTS.filter((part) => args[part] === undefined);
}

function permissionsOf(mode: number, uid: number, gid: number): string {
  const owner = uid === 0 && gid === 0 ? "root:wheel" : `${uid}:${gid}`;
  return `${mode.toString(8).padStart(4, "0")} ${owner}`;
}

/** The name under which the record says with which files, that are not ours, Postfix was last told to read. */
function watchKey({ certificatePath }: TlsCertificateArgs): string {
  return `certificate:${certificatePath}`;
}

function look(args: Completed): Look<Observed> {
  const paths = PARTS.map((part) => pathOf(part, args));
  return Look.all({
    certificate: seenAt(args.certificatePath),
    privateKey: seenAt(args.privateKeyPath),
    keyFolder: stat(args.privateKeyPath.replace(/(.)\/[^/]*$/, "$1")),
    publicHalf:
      args.privateKey === undefined ? publicHalfOf(args.privateKeyPath) : Look.of(undefined),
    clock: probe(["date", "+%s"]).map((answer) => {
      const seconds = Number.parseInt(printed(answer) ?? "", 10);
      return Number.isNaN(seconds) ? undefined : seconds;
    }),
    record: RECORD,
  }).andThen((found) =>
    Look.each(
      ownedByThisKind(found.record).filter((path) => !paths.includes(path)),
      digest,
    ).map((elsewhere) => ({ ...found, elsewhere })),
  );
}

function seenAt(path: string): Look<Seen> {
  return Look.all({ file: digest(path), pem: pem(path) });
}

/** The files that resources of this kind own as a whole. */
function ownedByThisKind({ keys }: HostRecord): string[] {
  return Object.entries(keys).flatMap(([key, { file, owner }]) =>
    file === key && owner.urn.includes("openbsd-postfix:index:TlsCertificate::") ? [file] : [],
  );
}

/**
 * Asks openssl(1) for the public half of a key. `pkey` came with OpenSSL 1.0.0; before, there was a command for each kind of
 * key (docs/openbsd.md 11).
 */
function publicHalfOf(path: string): Look<KnownKey | undefined> {
  const ask = (command: string) =>
    probe(["openssl", command, "-in", path, "-pubout", "-passin", "pass:"], { onlyWith: path });
  return ask("pkey").andThen((first) => {
    if ("notFound" in first)
      return Look.of<KnownKey | undefined>({ unknown: "the host has no openssl(1)." });
    const text = printed(first);
    if (text !== undefined) return Look.of<KnownKey | undefined>(publicHalfIn(text));
    return Look.each(["rsa", "ec"], ask).map(({ rsa, ec }): KnownKey | undefined => {
      const other = printed(rsa) ?? printed(ec);
      return other === undefined
        ? { fault: "is no private key that openssl(1) of the host can read." }
        : publicHalfIn(other);
    });
  });
}

/** What is known of the private key, whether the program gives it or the host has it. */
function knownKey(observed: Observed, args: Completed): KnownKey | undefined {
  if (args.privateKey !== undefined) return keyIn(args.privateKey);
  const found = observed.privateKey.pem;
  if (found === null) return undefined;
  if (found.encrypted) return { fault: ENCRYPTED };
  if (!found.labels.some(isPrivateKey)) return { fault: "has no private key in it." };
  return observed.publicHalf;
}

/** The text of the certificate, whether the program gives it or the host has it. */
function knownCertificate(observed: Observed, args: Completed): string | undefined {
  return args.certificate ?? observed.certificate.pem?.certificates;
}

interface Finding extends Failure {
  readonly warning?: true;
}

/** Everything that is wrong, failures and warnings. `coming` names what an earlier step of the same plan brings. */
function findings(
  observed: Observed,
  args: Completed,
  platform: Platform,
  coming: (path: string) => boolean,
): readonly Finding[] {
  // What an earlier step brings is not there to be judged yet.
  const isComing = (part: Part): boolean =>
    args[part] === undefined && coming(pathOf(part, args)) && observed[part].pem === null;
  const missing = foreignParts(args).filter((part) => observed[part].pem === null);
  const pair = {
    certificate: knownCertificate(observed, args),
    key: knownKey(observed, args),
    now: observed.clock === undefined ? new Date() : new Date(observed.clock * 1000),
    clock: observed.clock === undefined ? "the clock where Pulumi runs" : "the host's clock",
    names: args.names ?? [],
    tlsKeys: platform.tlsKeys,
  };
  return [
    ...missing.filter((part) => !isComing(part)).map((part) => missingFile(part, observed, args)),
    ...openKey(observed, args),
    ...pairFaults(pair).map((fault) => located(fault, args)),
  ];
}

function located({ of, reason, warning }: PairFault, args: Completed): Finding {
  const isPart = of === "certificate" || of === "privateKey";
  const where = isPart && args[of] === undefined ? `${pathOf(of, args)}: ` : "";
  return {
    path: isPart ? propertyOf(of, args) : of,
    reason: `${where}${reason}`,
    ...(warning ? { warning } : {}),
  };
}

function missingFile(part: Part, observed: Observed, args: Completed): Finding {
  const path = pathOf(part, args);
  const isThere = observed[part].file.type !== "absent";
  // A key of the program's own comes before the certificate that acme-client(1) gets for it.
  const comesLater = part === "certificate" && args.privateKey !== undefined && !isThere;
  const what = isThere ? "is no file" : "is not there on the host";
  const advice = comesLater
    ? "Have acme-client(1) get one for the key; until then Postfix offers no TLS."
    : `Have acme-client(1) or an earlier step of the program make it, or give its text as ${part}.`;
  return {
    path: propertyOf(part, args),
    reason: `${path} ${what}. ${advice}`,
    ...(comesLater ? { warning: true } : {}),
  };
}

/** Says that others than root can read a private key that is somebody else's file. */
function openKey({ privateKey, keyFolder }: Observed, args: Completed): Finding[] {
  const file = fileAt(privateKey.file);
  if (args.privateKey !== undefined || file === undefined) return [];
  const path = propertyOf("privateKey", args);
  const mode = file.mode.toString(8).padStart(4, "0");
  const advice = `chown root ${args.privateKeyPath} && chmod 0600 ${args.privateKeyPath}.`;
  // A folder that others cannot enter, as /etc/ssl/private, keeps them from the file.
  const isShut = keyFolder.type === "directory" && (keyFolder.mode & 0o001) === 0;
  if (!hidesFromOthers(file.mode) && !isShut)
    return [
      {
        path,
        reason: `${args.privateKeyPath} has mode ${mode}, so everybody on the host can read the private key: ${advice} A key that others may have read is better made anew.`,
      },
    ];
  if (hidesFromOthers(file.mode) && (file.mode & 0o040) === 0 && file.uid === 0) return [];
  return [
    {
      path,
      reason: `${args.privateKeyPath} belongs to uid ${file.uid} and has mode ${mode}, so others than root can read the private key: ${advice}`,
      warning: true,
    },
  ];
}

/** The digests of the files that are somebody else's. */
function watchedDigests(observed: Observed, args: Completed): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    foreignParts(args).map((part) => [part, digestOf(observed[part].file) ?? null]),
  );
}

/** The parts whose files are somebody else's and have changed since the last `up`. */
function changedParts(observed: Observed, args: Completed, record: HostRecord): Part[] {
  const known = record.keys[watchKey(args)]?.applied;
  if (typeof known !== "object" || known === null || Array.isArray(known)) return [];
  const before = known as Readonly<Record<string, Json>>;
  return Object.entries(watchedDigests(observed, args)).flatMap(([part, now]) =>
    before[part] === undefined || equal(before[part], now) ? [] : [part as Part],
  );
}

/** The write that gives a file of the step its text, mode and owner; none where it has them. */
function planFile(part: Part, observed: Observed, args: Completed): Change[] {
  const text = args[part];
  if (text === undefined) return [];
  const contents = encodeUtf8(text);
  const path = pathOf(part, args);
  const { file } = observed[part];
  if (
    livePermissions(file) === permissionsOf(MODES[part], 0, 0) &&
    digestOf(file) === sha256(contents)
  )
    return [];
  const attributes = { mode: MODES[part], uid: 0, gid: 0 };
  return [
    {
      change: "write",
      ...{ path, found: file, contents, ...attributes },
      // In words, because the text says nothing to a reader, and a key must not be seen.
      opaque: true,
      sets: `${part === "certificate" ? inWords(text) : "the private key"}, ${permissionsOf(MODES[part], 0, 0)}`,
    },
  ];
}

function inWords(text: string): string {
  const facts = certificateFacts(text);
  if (facts === undefined) return "a certificate that cannot be read";
  const { certificateNames, notAfter, fingerprint } = facts;
  const names = certificateNames.length === 0 ? "no name" : certificateNames.join(", ");
  return `the certificate of ${names}, valid until ${notAfter}, SHA-256 ${fingerprint}`;
}

function livePermissions(state: FileDigest): string {
  const file = fileAt(state);
  if (file === undefined) return "missing";
  return permissionsOf(file.mode, file.uid, file.gid);
}

/** Refuses to replace what is no certificate and no key: the path may be a slip. A file of the step is repaired. */
function strangeFiles(observed: Observed, args: Completed, record: HostRecord): Failure[] {
  return ownParts(args).flatMap((part): Failure[] => {
    const path = pathOf(part, args);
    const { file, pem: found } = observed[part];
    if (file.type === "absent" || record.keys[path] !== undefined) return [];
    const isEmpty = fileAt(file)?.size === 0;
    if (isEmpty || (found !== null && found.labels.length > 0)) return [];
    const what = found === null ? "is no file" : "holds neither a certificate nor a key";
    return [
      {
        path: `${part}Path`,
        reason: `${path} is there and ${what}, so it is not replaced. Give another path, or move it away.`,
      },
    ];
  });
}

function plan(observed: Observed, args: Completed, context: PlanContext): Plan {
  const { platform, record, coming, dropped } = context;
  const obstacles = [
    ...strangeFiles(observed, args, record),
    ...findings(observed, args, platform, coming)
      .filter(({ warning }) => warning !== true)
      .map(({ path, reason }) => ({ path, reason })),
  ];
  if (obstacles.length > 0) return { changes: [], obstacles };
  const writes = PARTS.flatMap((part) => planFile(part, observed, args));
  // Of a file that the program no longer gives the text of, and still names, somebody else has taken care: it stays. One
  // under a path that it no longer names goes back to what it was.
  const givenUp = dropped.flatMap(([, { file: path }]) => {
    const state = path === undefined ? undefined : observed.elsewhere[path];
    if (path === undefined || state === undefined) return [];
    const leave = { platform, record, keys: dropped, warn: () => undefined };
    return restoreWholeFile(path, state, leave, { opaque: true });
  });
  const changed = changedParts(observed, args, record).map((part) => pathOf(part, args));
  const told: Change[] =
    changed.length === 0
      ? []
      : [
          {
            change: "act",
            text: `note that ${changed.join(" and ")} changed, for Postfix to read again`,
            // The record is written before the changes: with it, the change is noted.
            act: () => Promise.resolve(),
          },
        ];
  const because = [...writes.flatMap((one) => ("path" in one ? [one.path] : [])), ...changed];
  // Another step of this kind may watch what this one writes.
  const brings = writes.flatMap((one) =>
    one.change === "write" && one.found.type === "absent" ? [one.path] : [],
  );
  return {
    changes: [...writes, ...told, ...givenUp],
    ...(brings.length > 0 ? { brings } : {}),
    ...(because.length > 0 ? { tells: { need: "reload", because } } : {}),
  };
}

function judgePlan(
  observed: Observed,
  args: Completed,
  { plan: judged, platform, coming, warn, note }: JudgeContext,
): Promise<readonly Failure[]> {
  for (const { reason, warning } of findings(observed, args, platform, coming))
    if (warning === true) warn(reason);
  if (judged.obstacles === undefined)
    for (const part of foreignParts(args))
      if (observed[part].pem === null && coming(pathOf(part, args)))
        note(`${pathOf(part, args)} comes with an earlier step, and is judged once it is there.`);
  return Promise.resolve([]);
}

/** Puts a file back, and its mode and owner where the step changed only these. */
function restoreFile(
  part: Part,
  observed: Observed,
  args: Completed,
  context: RestoreContext,
): Change[] {
  const path = pathOf(part, args);
  const { file } = observed[part];
  const restored = restoreWholeFile(path, file, context, { opaque: true });
  const entry = context.record.files[path];
  const current = digestOf(file);
  const isClaimed = context.keys.some(([, key]) => key.file === path);
  if (restored.length > 0 || !isClaimed || !entry?.before || current === undefined) return restored;
  const { before } = entry;
  const isAsApplied = livePermissions(file) === permissionsOf(MODES[part], 0, 0);
  const isAsBefore = livePermissions(file) === permissionsOf(before.mode, before.uid, before.gid);
  const isBytesBefore = "copy" in before && before.copy === current;
  if (!isAsApplied || isAsBefore || !isBytesBefore || !isOurs(current, entry)) return [];
  const permissions = permissionsOf(before.mode, before.uid, before.gid);
  return [
    {
      change: "act",
      text: `set ${path} back to ${permissions}`,
      places: [{ path }],
      act: (host) => writeSaved(host, path, before, { sha256: current }),
    },
  ];
}

function livePart(part: Part, observed: Observed, args: Completed): string | null | undefined {
  const text = args[part];
  if (text === undefined) return undefined;
  const { file, pem: found } = observed[part];
  const current = digestOf(file);
  if (current === undefined) return null;
  if (current === sha256(encodeUtf8(text))) return text;
  const certificates = part === "certificate" && found?.labels.every(isCertificate) === true;
  // The certificates of a file may be those of the program, and the text around them another.
  return certificates && found.certificates !== text
    ? found.certificates
    : `another file of ${fileAt(file)?.size ?? 0} bytes`;
}

export const tlsCertificate: Kind<Completed, Observed> = {
  name: "TlsCertificate",
  subject: ({ certificatePath }) => certificatePath.slice(1),
  arguments: tlsCertificateArguments,
  complete: (args) => {
    const own = ownParts(args).map((part) => [part, permissionsOf(MODES[part], 0, 0)] as const);
    return {
      ...args,
      ...(own.length > 0 ? { permissions: Object.fromEntries(own) } : {}),
      ...(own.length < PARTS.length ? { watched: UNCHANGED } : {}),
    };
  },
  look,
  live: (observed, args) => {
    const own = ownParts(args);
    const changed = changedParts(observed, args, observed.record).map((part) => pathOf(part, args));
    return {
      ...Object.fromEntries(own.map((part) => [part, livePart(part, observed, args)])),
      ...(own.length > 0
        ? {
            permissions: Object.fromEntries(
              own.map((part) => [part, livePermissions(observed[part].file)]),
            ),
          }
        : {}),
      ...(own.length < PARTS.length
        ? {
            watched:
              changed.length === 0
                ? UNCHANGED
                : `${changed.join(" and ")} changed since the last up`,
          }
        : {}),
    };
  },
  outputs: (observed) => ({
    ...(certificateFacts(observed.certificate.pem?.certificates ?? "") ?? {
      notAfter: null,
      certificateNames: null,
      fingerprint: null,
    }),
  }),
  owns: (observed, args) => ({
    claims: [
      ...ownParts(args).map((part) => claimWholeFile(pathOf(part, args))),
      ...(foreignParts(args).length > 0
        ? [
            {
              key: watchKey(args),
              before: null,
              applied: watchedDigests(observed, args),
              noted: true as const,
            },
          ]
        : []),
    ],
    files: Object.fromEntries(
      ownParts(args).map((part) => [pathOf(part, args), observed[part].file]),
    ),
  }),
  plan,
  restore: (observed, args, context) => {
    const changes = PARTS.flatMap((part) => restoreFile(part, observed, args, context));
    if (changes.length === 0) return { changes };
    return {
      changes,
      tells: { need: "reload", because: PARTS.map((part) => pathOf(part, args)) },
    };
  },
  judge: judgePlan,
};
