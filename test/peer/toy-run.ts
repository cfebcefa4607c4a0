/** A real run in small, of four peers in one process, as the files that `simulate` leaves. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RoundRule } from '../../src/wire/index.ts';
import { plainRule } from '../wire/sample-stage.ts';
import { PeerNetwork } from './peer-network.ts';

/** Its members. */
export const toyMembers = ['L1', 'L2', 'L3', 'L4'] as const;

/** Writes `nodes/<id>/` and `model/` into `folder`; five rounds. @returns the digest of the last sealed model */
export async function writeToyRun(
  folder: string,
  latencyMsMax = 50,
  rule: RoundRule = plainRule,
): Promise<string> {
  const network = new PeerNetwork({
    members: toyMembers.length,
    stages: [{ id: 'student', participants: [...toyMembers] as never, rounds: 5, rule }],
    faults: { latencyMsMax },
  });
  await network.start();
  if (!(await network.runUntilDone())) throw new Error('the toy run did not end');
  const sealed = network.sealedModels('L1').at(-1) ?? '';
  for (const [id, { store, peer }] of network.nodes) {
    await peer.stop();
    for (const [name, bytes] of store.files) write(join(folder, 'nodes', id, name), bytes);
  }
  const weights = network.node('L1').store.files.get(`blobs/${sealed}`);
  if (weights === undefined) throw new Error('L1 holds the model that it sealed');
  write(join(folder, 'model', 'model.safetensors'), weights);
  // The plan's stages have a model without fields.
  write(join(folder, 'model', 'model.json'), JSON.stringify({ digest: sealed, spec: {} }));
  return sealed;
}

function write(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}
