/** Networks in lists such as mynetworks: what they cover, and which ones Postfix cannot read (cidr_table(5)). */

/** An address as a number, with its width in bits; `undefined` for text that is no address. */
function numberOf(address: string): { bits: number; value: bigint } | undefined {
  if (/^\d+(\.\d+){3}$/.test(address)) {
    const bytes = address.split(".").map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    return { bits: 32, value: bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) };
  }
  if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(":")) return undefined;
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => half.split(":").filter((group) => group !== ""));
  const given = groups.flat().length;
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const zeros = Array.from({ length: 8 - given }, () => "0");
  const all = [...(groups[0] ?? []), ...zeros, ...(groups[1] ?? [])];
  return { bits: 128, value: all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n) };
}

/** A network such as `10.0.0.0/8`, `[::1]/128` or a single address. */
interface Network {
  readonly bits: number;
  readonly value: bigint;
  readonly prefix: number;
}

/** Reads one word of a list of networks; `undefined` for a host name, a table or a file. */
export function networkOf(word: string): Network | undefined {
  const [, address = "", prefix] = /^!?\[?([0-9a-fA-F:.]+)\]?(?:\/(\d+))?$/.exec(word) ?? [];
  const number = numberOf(address);
  if (number === undefined) return undefined;
  return { ...number, prefix: prefix === undefined ? number.bits : Number(prefix) };
}

/** Is the network so large that nobody can own it? Private and link-local IPv6 networks are large, but not public. */
export function coversInternet({ bits, value, prefix }: Network): boolean {
  if (bits === 32) return prefix < 8;
  return prefix < 16 && value >> 121n !== 0b1111110n && value >> 118n !== 0b1111111010n;
}

/** What is wrong with a network, if anything: Postfix treats a list with a faulty network as a failed lookup. */
export function networkFault(word: string): string | undefined {
  if (/^\[?[0-9.]+\]?\/|^\d+(\.\d+)+$/.test(word) || /^\[[0-9a-f:]+\]/i.test(word)) {
    const network = networkOf(word);
    if (network === undefined) return `"${word}" is no network`;
    const { bits, value, prefix } = network;
    if (prefix > bits) return `"${word}" has a prefix of more than ${bits} bits`;
    const host = value & ((1n << BigInt(bits - prefix)) - 1n);
    return host === 0n ? undefined : `"${word}" has bits set beyond its prefix of ${prefix}`;
  }
  return undefined;
}
