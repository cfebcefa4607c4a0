/** `annulus audit proof`: an entry and a proof that it is in the log, as two files; and the check of such a pair. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkpointName,
  formatProof,
  inclusionPath,
  parsePolicy,
  parseProof,
  policyName,
  verifyProof,
} from '../../audit/index.ts';
import { invariant } from '../../base/index.ts';
import { CliError, exitCodes, usageError, type ExitCode } from '../errors.ts';
import { readInput } from '../files.ts';
import { tell, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { indexOf, oneLog, soundEntry } from './one-log.ts';

/** Flags of `proof`, as typed. */
export interface ProofFlags extends FormatFlags {
  readonly copy?: string;
  readonly output: string;
}

/** Writes `entry-N.json`, `entry-N.tlog-proof` and the policy that the proof is judged by. */
export async function proofCommand(
  folder: string,
  text: string,
  flags: ProofFlags,
  world: World,
): Promise<ExitCode> {
  const index = indexOf('entry', text);
  const one = await oneLog(folder, flags.copy ?? null, world);
  const bytes = await soundEntry(one, index);
  const { treeSize, root } = one.log.verdict;
  const checkpoint = await one.directory.read(checkpointName);
  if (root === null || checkpoint === null || index >= treeSize) {
    throw usageError(
      `entry ${index}: the head that a quorum has cosigned covers ${treeSize} entries; nothing can be proved of later ones yet`,
    );
  }
  const path = inclusionPath(one.log, index, treeSize);
  if (path?.root !== root) {
    throw new CliError(
      { code: 'check_failed' },
      `entry ${index}: the tree of ${treeSize} entries cannot be made again from this copy; take another`,
    );
  }
  const versions = one.log.versions;
  // As the audit: a head is judged by the version in force after its last block.
  const version = one.log.bodies.find(({ log }) => log.size === treeSize);
  const next = version?.ops.find((op) => op.op === 'MEMBER');
  const number = next?.version ?? version?.e ?? 0;
  const policy = await one.directory.read(number === 0 ? policyName : `${policyName}-${number}`);
  invariant(versions[number] !== undefined && policy !== null, 'a verified log has its policies');
  await mkdir(flags.output, { recursive: true });
  const files: readonly (readonly [string, Uint8Array])[] = [
    [`entry-${index}.json`, bytes],
    [`entry-${index}.tlog-proof`, formatProof({ index, hashes: path.hashes, checkpoint })],
    [policyName, policy],
  ];
  for (const [name, content] of files) await writeFile(join(flags.output, name), content);
  const names = files.map(([name]) => join(flags.output, name));
  tell(
    world,
    flags,
    `${names.map((name) => `wrote ${name}\n`).join('')}check it anywhere: annulus audit check-proof ${names.join(' ')}\n`,
    { index, size: treeSize, root, files: names },
  );
  return exitCodes.done;
}

/** Checks that an entry is in the log of a policy. */
export async function checkProofCommand(
  entryFile: string,
  proofFile: string,
  policyFile: string,
  flags: FormatFlags,
  world: World,
): Promise<ExitCode> {
  const bytesMax = 2 ** 20;
  const entry = await readInput(entryFile, bytesMax);
  const proof = parseProof(await readInput(proofFile, bytesMax));
  const policy = parsePolicy(await readInput(policyFile, bytesMax));
  const shown = verifyProof(proof, entry, policy);
  if (typeof shown === 'string') {
    tell(world, flags, `WRONG  ${shown}\n`, { ok: false, reason: shown });
    return exitCodes.failed;
  }
  const { index, size, root, origin, cosignedBy } = shown;
  tell(
    world,
    flags,
    `right  entry ${index} is in the log ${origin} of ${size} entries, root ${root}, cosigned by ${cosignedBy.join(' ')}\n` +
      'what remains to be trusted is the policy: compare it with one from another member\n',
    { ok: true, ...shown },
  );
  return exitCodes.done;
}
