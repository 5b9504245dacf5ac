/**
 * Bun looks at BUN_OPTIONS (`--preload`: code to run), BUN_BE_BUN (be `bun`) and BUN_JSC_* before the first line of
 * a program runs, in compiled executables too, and there is no switch for it: for a daemon of root each is a way
 * to run other code as root. Nothing that the program does could be early enough, so the executable is given
 * an entry point of its own in front of Bun's: it empties each variable of the environment that begins with
 * `BUN_`, and goes on to where execution would have begun.
 *
 * The code is put behind the file's end as a segment of its own. Its program header is that of PT_NOTE, which
 * nothing needs: it holds the linker's build id.
 */

/** elf(5), 64 bit, little endian. */
const EHDR = { machine: 18, entry: 24, phoff: 32, phnum: 56 } as const;
const PHDR = {
  size: 56,
  type: 0,
  flags: 4,
  offset: 8,
  vaddr: 16,
  paddr: 24,
  filesz: 32,
  memsz: 40,
  align: 48,
} as const;
const PT_LOAD = 1;
const PT_NOTE = 4;
const PF_R_X = 4 | 1;
const EM_X86_64 = 62;
const EM_AARCH64 = 183;
/** The largest page size of either. */
const PAGE = 0x10000n;

/** What runs first. Its last instruction is a branch to Bun's own entry point. */
interface Guard {
  readonly code: readonly number[];
  /** Writes the branch's distance into `view`, in which the code starts at 0. */
  branch(view: DataView, distance: bigint): void;
}

/**
 * The stack is as the kernel left it: argc, argv, NULL, envp, NULL. Registers that the ABI has a meaning for here
 * (rdx, x0: what to call at exit) are left alone.
 *
 * An emptied entry stays as "": the vector must not become shorter, because the auxiliary vector is found by
 * walking to its end. BUN_GC_T…, the timer that the daemon itself turns off, is let through.
 */
const GUARDS: Readonly<Record<number, Guard>> = {
  [EM_X86_64]: {
    code: [
      ...[0x48, 0x8b, 0x04, 0x24], //                         mov  rax, [rsp]
      ...[0x48, 0x8d, 0x44, 0xc4, 0x10], //                   lea  rax, [rsp + rax*8 + 16]
      ...[0x48, 0x8b, 0x08], //                         next: mov  rcx, [rax]
      ...[0x48, 0x83, 0xc0, 0x08], //                         add  rax, 8
      ...[0x48, 0x85, 0xc9], //                               test rcx, rcx
      ...[0x74, 0x16], //                                     je   done
      ...[0x81, 0x39, 0x42, 0x55, 0x4e, 0x5f], //             cmp  dword [rcx], "BUN_"
      ...[0x75, 0xec], //                                     jne  next
      ...[0x81, 0x79, 0x04, 0x47, 0x43, 0x5f, 0x54], //       cmp  dword [rcx + 4], "GC_T"
      ...[0x74, 0xe3], //                                     je   next
      ...[0xc6, 0x01, 0x00], //                               mov  byte [rcx], 0
      ...[0xeb, 0xde], //                                     jmp  next
      ...[0xe9, 0, 0, 0, 0], //                         done: jmp  entry
    ],
    branch(view, distance) {
      // Counted from the end of the instruction.
      view.setInt32(view.byteLength - 4, within(distance - BigInt(view.byteLength), 31n), true);
    },
  },
  [EM_AARCH64]: {
    code: words(
      0xf94003e1, //       ldr  x1, [sp]
      0x8b216fe1, //       add  x1, sp, x1, lsl #3
      0x91004021, //       add  x1, x1, #16
      0xf8408422, // next: ldr  x2, [x1], #8
      0xb40001a2, //       cbz  x2, done
      0xb9400043, //       ldr  w3, [x2]
      0x528aa844, //       mov  w4, #0x5542        "BU"
      0x72abe9c4, //       movk w4, #0x5f4e, lsl 16 "N_"
      0x6b04007f, //       cmp  w3, w4
      0x54ffff41, //       b.ne next
      0xb9400443, //       ldr  w3, [x2, #4]
      0x528868e4, //       mov  w4, #0x4347        "GC"
      0x72aa8be4, //       movk w4, #0x545f, lsl 16 "_T"
      0x6b04007f, //       cmp  w3, w4
      0x54fffea0, //       b.eq next
      0x3900005f, //       strb wzr, [x2]
      0x17fffff3, //       b    next
      0x14000000, // done: b    entry
    ),
    branch(view, distance) {
      const at = view.byteLength - 4;
      const instructions = within(distance - BigInt(at), 27n) >> 2;
      view.setUint32(at, 0x14000000 | (instructions & 0x3ffffff), true);
    },
  },
};

/** An ELF executable with the guard in front of its entry point. Throws where it is not built as Bun's are. */
export function withEnvironmentGuard(executable: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new DataView(executable.buffer, executable.byteOffset, executable.byteLength);
  if (head.getUint32(0, false) !== 0x7f454c46) throw new Error("this is no ELF file");
  const machine = head.getUint16(EHDR.machine, true);
  const guard = GUARDS[machine];
  if (guard === undefined) throw new Error(`no guard is known for ELF machine ${machine}`);
  const headers = Array.from(
    { length: head.getUint16(EHDR.phnum, true) },
    (_, index) => Number(head.getBigUint64(EHDR.phoff, true)) + index * PHDR.size,
  );
  const typed = (type: number) => headers.filter((at) => head.getUint32(at + PHDR.type, true) === type);
  const [note] = typed(PT_NOTE);
  const loads = typed(PT_LOAD);
  // Program headers of PT_LOAD go up in address: the note's has to be behind all of them.
  if (note === undefined || loads.length === 0 || loads.some((at) => at > note)) {
    throw new Error("there is no PT_NOTE behind the PT_LOADs that could make room for the guard");
  }
  const ends = loads.map((at) =>
    Number(head.getBigUint64(at + PHDR.vaddr, true) + head.getBigUint64(at + PHDR.memsz, true)),
  );
  const offset = roundUp(BigInt(executable.length));
  const address = roundUp(BigInt(Math.max(...ends)));
  const entry = head.getBigUint64(EHDR.entry, true);

  const size = BigInt(guard.code.length);
  const guarded = new Uint8Array(Number(offset + size));
  guarded.set(executable);
  guarded.set(guard.code, Number(offset));
  guard.branch(new DataView(guarded.buffer, Number(offset)), entry - address);
  const view = new DataView(guarded.buffer);
  view.setUint32(note + PHDR.type, PT_LOAD, true);
  view.setUint32(note + PHDR.flags, PF_R_X, true);
  view.setBigUint64(note + PHDR.offset, offset, true);
  view.setBigUint64(note + PHDR.vaddr, address, true);
  view.setBigUint64(note + PHDR.paddr, address, true);
  view.setBigUint64(note + PHDR.filesz, size, true);
  view.setBigUint64(note + PHDR.memsz, size, true);
  view.setBigUint64(note + PHDR.align, PAGE, true);
  view.setBigUint64(EHDR.entry, address, true);
  return guarded;
}

function roundUp(value: bigint): bigint {
  return (value + PAGE - 1n) & ~(PAGE - 1n);
}

/** `distance` as a number; throws where the branch, of `bits` bits and a sign, does not reach that far. */
function within(distance: bigint, bits: bigint): number {
  const limit = 1n << bits;
  if (distance < -limit || distance >= limit) throw new Error(`Bun's entry point is ${distance} bytes away`);
  return Number(distance);
}

function words(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]);
}
