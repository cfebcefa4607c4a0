/** `annulus audit witness`: a witness that a regulator runs for the logs of consortia. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatVkey, parsePolicy, type NoteKey } from '../../audit/index.ts';
import { generateEd25519, type Signer } from '../../crypto/index.ts';
import { diskStore, lockFolder, readKeyFile, systemClock, writeKeyFile } from '../../host/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { readInput } from '../files.ts';
import type { World } from '../world.ts';
import { portOf, untilAborted } from './serve-command.ts';

/** Flags, as typed. */
export interface WitnessFlags {
  readonly policy: readonly string[];
  readonly name: string;
  readonly host: string;
  readonly port: string;
}

const keyName = 'witness.key';
const seedBytes = 32;
const policyBytesMax = 2 ** 18;

/** Serves until the signal. The key is made at the first start; what was cosigned is in the folder, which must never be put back. */
export async function witnessCommand(
  folder: string,
  flags: WitnessFlags,
  world: World,
): Promise<ExitCode> {
  const port = portOf(flags.port);
  if (!/^[^\s+\p{Z}]{1,100}$/u.test(flags.name)) {
    throw usageError(
      `--name: expected a domain and a path such as regulator.example/annulus, without blanks and "+", got ${flags.name}`,
    );
  }
  const logs = await logsOf(flags.policy);
  const path = resolve(folder);
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(path);
  try {
    const { LogWitness } = await import('../../auditor/index.ts');
    const { serveWitness } = await import('../../dashboard/index.ts');
    const clock = systemClock();
    const store = diskStore(join(path, 'state'));
    const signer = await signerIn(path);
    const witness = new LogWitness(store, { name: flags.name, signer, logs, clock });
    const vkey = formatVkey(witness.key);
    const server = await serveWitness({
      add: (body) => witness.add(body),
      about: `witness ${flags.name} (C2SP tlog-witness), key ${vkey}\n`,
      ...{ host: flags.host, port, clock },
      onError: (error) => {
        world.err(`${error.message}\n`);
      },
    });
    const origins = [...new Set(logs.map(({ name }) => name))];
    world.out(
      `${server.url} cosigns heads of ${origins.join(', ')}\n` +
        `members write into node.yaml, with the address that they reach it by:\n` +
        `witnesses: { ask: ["${server.url} ${vkey}"] }\nCtrl-C ends it\n`,
    );
    await untilAborted(world.signal);
    await server.close();
    return exitCodes.done;
  } finally {
    await lock.release();
  }
}

/** The log keys of these policies: a witness that has only those of an old version refuses who came later. */
async function logsOf(files: readonly string[]): Promise<NoteKey[]> {
  const logs: NoteKey[] = [];
  for (const file of files) logs.push(...parsePolicy(await readInput(file, policyBytesMax)).logs);
  return logs;
}

async function signerIn(folder: string): Promise<Signer> {
  const path = join(folder, keyName);
  if (!existsSync(path)) {
    await writeKeyFile(path, crypto.getRandomValues(new Uint8Array(seedBytes)));
  }
  const seed = await readKeyFile(path);
  if (seed.byteLength !== seedBytes) throw usageError(`${path}: expected ${seedBytes} bytes`);
  return generateEd25519(seed);
}
