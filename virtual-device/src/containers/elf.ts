import { open } from 'node:fs/promises';

/** What the kernel looks at in a program before it runs it. */
export type ProgramKind =
  | { readonly kind: 'elf'; readonly machine: number; readonly interpreter: string | undefined }
  | { readonly kind: 'script'; readonly interpreter: string; readonly argument: string | undefined }
  | { readonly kind: 'unknown' };

/** ELF's numbers of machines (gabi, `e_machine`) by Node's names. */
const MACHINES: Record<string, number> = { x64: 62, arm64: 183, arm: 40, ia32: 3, riscv64: 243, s390x: 22 };

/** Whether this machine's processor runs programs of a machine number. */
export function isNative(machine: number): boolean {
  return MACHINES[process.arch] === machine;
}

const HEAD = 4096;
const PT_INTERP = 3;

/** Reads a program's first bytes. */
export async function programKind(path: string): Promise<ProgramKind> {
  const file = await open(path, 'r');
  try {
    const read = async (offset: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, HEAD);
    if (head.subarray(0, 2).toString('latin1') === '#!') return scriptOf(head);
    if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return { kind: 'unknown' };
    return await elfOf(head, read);
  } finally {
    await file.close();
  }
}

function scriptOf(head: Buffer): ProgramKind {
  const [line = ''] = head.subarray(2).toString('utf8').split('\n', 1);
  const [, interpreter, argument] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
  if (interpreter === undefined) return { kind: 'unknown' };
  return { kind: 'script', interpreter, argument: argument === '' ? undefined : argument };
}

async function elfOf(
  head: Buffer,
  read: (offset: number, length: number) => Promise<Buffer>,
): Promise<ProgramKind> {
  const is64 = head[4] === 2;
  const isLittle = head[5] === 1;
  const u16 = (buffer: Buffer, at: number) => (isLittle ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at));
  const u32 = (buffer: Buffer, at: number) => (isLittle ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at));
  const word = (buffer: Buffer, at64: number, at32: number) => {
    if (!is64) return u32(buffer, at32);
    return Number(isLittle ? buffer.readBigUInt64LE(at64) : buffer.readBigUInt64BE(at64));
  };
  const machine = u16(head, 18);
  const table = word(head, 32, 28);
  const entrySize = u16(head, is64 ? 54 : 42);
  const count = Math.min(u16(head, is64 ? 56 : 44), 128);
  if (entrySize < (is64 ? 56 : 32)) return { kind: 'elf', machine, interpreter: undefined };
  const headers = await read(table, entrySize * count);
  for (let at = 0; at + entrySize <= headers.length; at += entrySize) {
    const header = headers.subarray(at, at + entrySize);
    if (u32(header, 0) !== PT_INTERP) continue;
    const text = await read(word(header, 8, 4), Math.min(word(header, 32, 16), HEAD));
    return { kind: 'elf', machine, interpreter: text.toString('utf8').replace(/\0.*$/s, '') };
  }
  return { kind: 'elf', machine, interpreter: undefined };
}
