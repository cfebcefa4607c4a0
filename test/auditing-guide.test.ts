/** Every command of docs/auditing.md that an auditor types without Annulus, in an exported folder. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { discloseRound, encodeRoundKeys, loggedRound } from '../src/auditor/index.ts';
import { logOf, portsOf, trainedWorld } from './auditor/replayed-world.ts';
import { runTyped } from './cli/typed.ts';
import type { PeerNetwork } from './peer/peer-network.ts';
import { projectRoot } from './project-root.ts';
import { plainRule } from './wire/sample-stage.ts';

const page = readFileSync(join(projectRoot, 'docs/auditing.md'), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, text]) => text ?? '');

describe('docs/auditing.md', function () {
  this.timeout(300_000);
  const top = mkdtempSync(join(tmpdir(), 'annulus-guide-'));
  const folder = join(top, 'for-auditor');
  let world: PeerNetwork;

  before(async () => {
    world = await trainedWorld(plainRule, 5);
    for (const [name, bytes] of world.node('L1').store.files) {
      const path = join(top, 'L1', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
    const { code, err } = await runTyped(['audit', 'export', join(top, 'L1'), '--output', folder]);
    expect([code, err]).deep.equal([0, '']);
    // What --round adds, of a model that has no description in the plan of this world.
    cpSync(join(top, 'L1/blobs'), join(folder, 'blobs'), { recursive: true });
    writeFileSync(
      join(folder, 'layout-of-round-4.json'),
      JSON.stringify([{ name: 'w', shape: [4] }]),
    );
    const round = await loggedRound(await logOf(world, 'L1'), 4);
    const { keyOf } = portsOf(world, ['L2']);
    const { keys } = await discloseRound(round, keyOf, world.node('L2').store);
    writeFileSync(join(folder, 'round-4.keys'), encodeRoundKeys(keys));
  });

  after(() => {
    rmSync(top, { recursive: true });
  });

  const expected: readonly (readonly [string, () => string])[] = [
    ['sha256sum', () => ''],
    ['manifest', () => `${world.consortium.cid}\n`],
    ['verify_log.py', () => 'held against 5 heads in the shared log\n'],
    ['check_log.go', () => 'size 31\n'],
    ['pkeyutl', () => 'Signature Verified Successfully\n'],
    ['replay_round.py', () => `make the model ${world.sealedModels('L1')[3] ?? ''}`],
  ];

  it('has a block for each step', () => {
    expect(blocks.map((block, at) => block.includes(expected[at]?.[0] ?? 'none'))).deep.equal(
      expected.map(() => true),
    );
  });

  for (const [at, [what, words]] of expected.entries()) {
    it(`is right about ${what}`, () => {
      // Debian's own Python has the packages; another in the path may not.
      const script = (blocks[at] ?? '').replace(/^python3/gm, '/usr/bin/python3');
      const env = { ...process.env, GOCACHE: join(top, 'cache') };
      const done = spawnSync('bash', ['-e'], { cwd: folder, encoding: 'utf8', input: script, env });
      expect(done.status, done.stderr).equal(0);
      expect(done.stdout).contain(words());
    });
  }
});
