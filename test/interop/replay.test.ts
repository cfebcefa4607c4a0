/** A round made again by Python with numpy and cryptography, which share no code with ours. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { discloseRound, encodeRoundKeys, loggedRound } from '../../src/auditor/index.ts';
import { logOf, portsOf, trainedWorld } from '../auditor/replayed-world.ts';
import type { PeerNetwork } from '../peer/peer-network.ts';
import { projectRoot } from '../project-root.ts';
import { plainRule } from '../wire/sample-stage.ts';

const python = '/usr/bin/python3';
const script = join(projectRoot, 'verify/replay_round.py');

for (const compression of [undefined, 'int8', 'bf16'] as const) {
  describe(`a round repeated by Python, its updates ${compression ?? 'whole'}`, function () {
    this.timeout(120_000);
    const top = mkdtempSync(join(tmpdir(), 'annulus-python-replay-'));
    const keysFile = join(top, 'keys');
    const layoutFile = join(top, 'layout.json');
    let world: PeerNetwork;

    before(async () => {
      // Momentum: the round begins where no stored model is, so Python has to step as we do.
      const rule = { ...plainRule, outerRateMicro: 700_000, outerMomentumMicro: 900_000 };
      world = await trainedWorld(compression === undefined ? rule : { ...rule, compression });
      for (const [name, bytes] of world.node('L2').store.files) {
        const path = join(top, 'L2', name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      }
      const round = await loggedRound(await logOf(world, 'L2'), 3);
      const { keyOf } = portsOf(world, ['L4']);
      const { keys } = await discloseRound(round, keyOf, world.node('L4').store);
      writeFileSync(keysFile, encodeRoundKeys(keys));
      writeFileSync(layoutFile, JSON.stringify([{ name: 'w', shape: [4] }]));
    });

    after(() => {
      rmSync(top, { recursive: true });
    });

    const run = (round = 3): { status: number | null; stdout: string; stderr: string } =>
      spawnSync(
        python,
        [
          ...[script, join(top, 'L2/log'), join(top, 'L2/blobs')],
          ...[String(round), keysFile, layoutFile],
        ],
        { encoding: 'utf8' },
      );

    it('has the model that SEAL names', () => {
      const { status, stdout, stderr } = run();
      const needs = `this test needs ${python} with python3-numpy and python3-cryptography`;
      expect([status, stderr], needs).deep.equal([0, '']);
      expect(stdout).equal(
        `round 3: 4 updates make the model ${world.sealedModels('L1')[2] ?? ''}, which SEAL names\n`,
      );
    });

    it('is refused for another round’s keys, a changed update, and another base', async () => {
      expect(run(2)).deep.include({ status: 1, stderr: 'wrong: the keys are of round 3\n' });
      const round = await loggedRound(await logOf(world, 'L2'), 3);
      for (const digest of [round.updates[0]?.upd ?? '', round.open.base]) {
        const path = join(top, 'L2/blobs', digest);
        const kept = readFileSync(path);
        const changed = Buffer.from(kept);
        changed[kept.byteLength - 1] = (changed.at(-1) ?? 0) ^ 1;
        writeFileSync(path, changed);
        const { status, stderr } = run();
        expect(status).equal(1);
        expect(stderr).contain('has another SHA-256 than its name');
        writeFileSync(path, kept);
      }
      expect(run().status).equal(0);
    });
  });
}
