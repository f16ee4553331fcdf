import { ociArchiveOf } from './oci-archive.ts'
import { tarOf } from './tar-archive.ts'

/** The image of sandboxes. It is made here, so that no registry is needed to start the first Pod. */
export const PAUSE_IMAGE = 'holdfast.internal/pause:1'

const LOAD_ADDRESS = 0x400000n
const ELF_HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
const READ_EXECUTE = 5

interface Machine {
  /** ELF `e_machine`. */
  readonly number: number
  readonly code: Buffer
}

/**
 * What the process of a sandbox does: it lets the kernel reap every orphan (SIGCHLD ignored), then waits for ever. Its end
 * comes by SIGKILL from the runtime, so it needs no other signal.
 */
const MACHINES: Readonly<Record<string, Machine>> = {
  amd64: {
    number: 62,
    code: Buffer.concat([
      Buffer.from('b80d000000', 'hex'), // mov eax, 13 (rt_sigaction)
      Buffer.from('bf11000000', 'hex'), // mov edi, 17 (SIGCHLD)
      Buffer.from('488d3513000000', 'hex'), // lea rsi, [rip + 19] (the action at the end)
      Buffer.from('31d2', 'hex'), // xor edx, edx
      Buffer.from('41ba08000000', 'hex'), // mov r10d, 8
      Buffer.from('0f05', 'hex'), // syscall
      Buffer.from('b822000000', 'hex'), // mov eax, 34 (pause)
      Buffer.from('0f05', 'hex'), // syscall
      Buffer.from('ebf7', 'hex'), // jmp to the pause
      ignoreAction(),
    ]),
  },
  arm64: {
    number: 183,
    code: Buffer.concat([
      words([
        0xd28010c8, // mov x8, #134 (rt_sigaction)
        0xd2800220, // mov x0, #17 (SIGCHLD)
        0x10000161, // adr x1, the action at the end (44 bytes ahead)
        0xd2800002, // mov x2, #0
        0xd2800103, // mov x3, #8
        0xd4000001, // svc #0
        0xd2800928, // mov x8, #73 (ppoll)
        0xd2800000, // mov x0, #0
        0xd2800001, // mov x1, #0
        0xd2800002, // mov x2, #0
        0xd2800003, // mov x3, #0
        0xd4000001, // svc #0
        0x17fffffa, // b to the ppoll
      ]),
      ignoreAction(),
    ]),
  },
}

/** `struct sigaction` of the kernel with SIG_IGN, no flags and an empty mask. */
function ignoreAction(): Buffer {
  const action = Buffer.alloc(32)
  action.writeBigUInt64LE(1n, 0)
  return action
}

function words(codes: readonly number[]): Buffer {
  const bytes = Buffer.alloc(codes.length * 4)
  for (const [index, code] of codes.entries()) bytes.writeUInt32LE(code >>> 0, index * 4)
  return bytes
}

/** A static ELF executable of one loaded segment. */
export function pauseProgramFor(architecture: string): Buffer {
  const machine = MACHINES[architecture]
  if (!machine) throw new Error(`there is no sandbox image for the processor architecture "${architecture}"`)
  const codeAt = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES
  const size = BigInt(codeAt + machine.code.length)
  const header = Buffer.alloc(codeAt)
  header.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  header.writeUInt16LE(2, 16) // executable
  header.writeUInt16LE(machine.number, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(LOAD_ADDRESS + BigInt(codeAt), 24) // entry
  header.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32) // where the program header is
  header.writeUInt16LE(ELF_HEADER_BYTES, 52)
  header.writeUInt16LE(PROGRAM_HEADER_BYTES, 54)
  header.writeUInt16LE(1, 56)
  header.writeUInt32LE(1, 64) // a loaded segment
  header.writeUInt32LE(READ_EXECUTE, 68)
  header.writeBigUInt64LE(LOAD_ADDRESS, 80)
  header.writeBigUInt64LE(LOAD_ADDRESS, 88)
  header.writeBigUInt64LE(size, 96)
  header.writeBigUInt64LE(size, 104)
  header.writeBigUInt64LE(0x10000n, 112)
  return Buffer.concat([header, machine.code])
}

export const pauseArchiveFor = (architecture: string): Buffer =>
  ociArchiveOf({
    names: [PAUSE_IMAGE],
    architecture,
    config: { Entrypoint: ['/pause'] },
    layers: [tarOf([{ path: 'pause', type: 'file', content: pauseProgramFor(architecture), mode: 0o755 }])],
  })
