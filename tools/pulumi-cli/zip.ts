import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { inflateRawSync } from "node:zlib";

/**
 * Writes the files of a zip archive that lie under `prefix` to a folder, without the prefix. Reads
 * what Go's module proxy serves: no encryption, no zip64. Debian installs no unzip by itself.
 *
 * @returns how many files were written
 */
export function unzip(archive: Buffer, prefix: string, folder: string): number {
  let written = 0;
  for (const entry of entries(archive)) {
    if (!entry.name.startsWith(prefix) || entry.name.endsWith("/")) continue;
    const path = resolve(join(folder, entry.name.slice(prefix.length)));
    if (!path.startsWith(resolve(folder) + sep)) throw new Error(`${entry.name} leaves the folder`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content(archive, entry));
    written++;
  }
  return written;
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

/** The central directory (APPNOTE.TXT 4.3.12), found by the record at the archive's end (4.3.16). */
function* entries(archive: Buffer): Generator<Entry> {
  const end = archive.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error("not a zip archive");
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (archive.readUInt32LE(at) !== 0x02014b50) throw new Error("damaged zip archive");
    const nameLength = archive.readUInt16LE(at + 28);
    yield {
      name: archive.toString("utf8", at + 46, at + 46 + nameLength),
      method: archive.readUInt16LE(at + 10),
      packedSize: archive.readUInt32LE(at + 20),
      size: archive.readUInt32LE(at + 24),
      offset: archive.readUInt32LE(at + 42),
    };
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
}

function content(archive: Buffer, entry: Entry): Buffer {
  const { offset, packedSize } = entry;
  const begin = offset + 30 + archive.readUInt16LE(offset + 26) + archive.readUInt16LE(offset + 28);
  const packed = archive.subarray(begin, begin + packedSize);
  const bytes = entry.method === 0 ? packed : inflateRawSync(packed);
  if (bytes.length !== entry.size) throw new Error(`${entry.name} is damaged`);
  return bytes;
}
