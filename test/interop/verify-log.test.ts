/** The log as read by a program in another language that shares no code with ours. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { expect } from 'chai';

import type { NodeId } from '../../src/base/index.ts';

import { decodeDecision, encodeDecision } from '../../src/audit/log-files.ts';
import {
  decodeBundle,
  decodeNodeEntry,
  NodeLog,
  nodeLogPrefix,
  type NodeEntry,
} from '../../src/audit/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { unvoted, type Json, type MixingRule, type Restart } from '../../src/wire/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { makeSampleLog, type LogFiles } from '../audit/sample-log.ts';
import { trainedWorld } from '../auditor/replayed-world.ts';
import { changingWorld, logFilesOf } from '../peer/changing-world.ts';
import { restartedWorld, restartSigned } from '../peer/restarting-world.ts';
import { projectRoot } from '../project-root.ts';
import { plainRule } from '../wire/sample-stage.ts';

const python = '/usr/bin/python3';
const script = join(projectRoot, 'verify/verify_log.py');

/** The entries of an own log of fewer than 256. */
function entriesOf(own: LogFiles): NodeEntry[] {
  const [[name, bytes] = ['', new Uint8Array()]] = [...own].filter(([one]) =>
    one.includes('entries'),
  );
  return decodeBundle(bytes, Number(name.split('/').at(-1))).map(decodeNodeEntry);
}

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function verifyWithPython(files: LogFiles, own: LogFiles | null = null): Run {
  const directory = mkdtempSync(join(tmpdir(), 'annulus-log-'));
  try {
    const [log, ownLog] = [join(directory, 'log'), join(directory, 'node-log')];
    const folders: [string, LogFiles][] =
      own === null
        ? [[log, files]]
        : [
            [log, files],
            [ownLog, own],
          ];
    for (const [folder, some] of folders) {
      for (const [name, bytes] of some) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), bytes);
      }
    }
    const args = folders.map(([folder]) => folder);
    return spawnSync(python, [script, ...args], { encoding: 'utf8' });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a log checked by Python', () => {
  before(() => {
    const probe = spawnSync(python, ['-c', 'import cryptography'], { encoding: 'utf8' });
    expect(
      probe.status,
      `this test needs ${python} with the package python3-cryptography: ${probe.stderr}`,
    ).equals(0);
  });

  it('has the same size, root, updates and cosigners', async () => {
    const { files, bodies } = await makeSampleLog({ rounds: ['sealed', 'absent'] });
    const run = verifyWithPython(files);
    expect(run.stderr).equals('');
    expect(run.status).equals(0);
    const { size, root } = bodies.at(-1)!.log;
    expect(run.stdout.split('\n').slice(0, 4)).deep.equals([
      `size ${size}`,
      `root ${root}`,
      'updates 7, all signed by their authors',
      'cosigned by L1/witness L2/witness L3/witness L4/witness (quorum 3)',
    ]);
  });

  it('has the reports of a mixing whose states are rounded, each signed by its author', async () => {
    const rule: MixingRule = {
      ...{ kind: 'mixing', topology: { kind: 'ring' }, steps: 0, epsilonNano: 10_000 },
      ...{ patienceMs: 4_000, samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
      ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0, compression: 'int8' },
    };
    const { world } = changingWorld([], 2, [], undefined, { rule });
    world.start();
    expect(await world.run(600_000)).equals('done');
    const files = logFilesOf(world, 'L1' as NodeId);
    const run = verifyWithPython(files);
    expect(run.stderr).equals('');
    expect(run.status).equals(0);
    expect(run.stdout).to.match(/^updates 8, all signed/m);
    // A byte of a report's signature.
    const bundle = [...files].find(([name]) => name.startsWith('tile/entries/'))!;
    const text = Buffer.from(bundle[1]).toString('latin1');
    const at =
      text.lastIndexOf(
        '"sig":"',
        text.indexOf('"signatures"', text.indexOf('mixing-report')) + 60,
      ) + 10;
    const bent = bundle[1].slice();
    bent[at] = bent[at] === 0x41 ? 0x42 : 0x41;
    expect(verifyWithPython(new Map(files).set(bundle[0], bent)).status).equals(1);
  });

  it('is followed through a newcomer, another key and one that leaves, and refused without the manifests', async () => {
    const [l1, l2, l5] = ['L1', 'L2', 'L5'] as NodeId[] as [NodeId, NodeId, NodeId];
    const { world } = changingWorld(
      [
        { kind: 'join', node: l5, atMs: 0 },
        { kind: 'renew', node: l2, atMs: 0 },
        { kind: 'revoke', node: l1, atMs: 0 },
      ],
      5,
    );
    world.start();
    expect(await world.run(600_000)).equals('done');
    for (const id of [l1, l2, l5]) {
      const run = verifyWithPython(logFilesOf(world, id));
      expect([run.stderr, run.status], id).deep.equals(['', 0]);
      const told = run.stdout.split('\n').filter((line) => line.startsWith('version '));
      expect(told.map((line) => line.slice(0, 9))).deep.equals([
        ...['version 1', 'version 2', 'version 3'],
      ]);
    }
    const files = logFilesOf(world, l5);
    const second = files.get('manifest-2.json')!;
    const changed = Buffer.from(second.slice());
    changed[changed.byteLength - 20]! ^= 1;
    for (const [name, bytes, reason] of [
      ['manifest-2.json', null, 'manifest-2.json: No such file'],
      ['manifest-2.json', changed, 'it is not the manifest that its MEMBER block names'],
      ['policy-1', files.get('policy')!, 'policy-1: its keys are not those of manifest-1.json'],
    ] as const) {
      const spoilt = new Map(files);
      if (bytes === null) spoilt.delete(name);
      else spoilt.set(name, bytes);
      const run = verifyWithPython(spoilt);
      expect([run.status, run.stderr.includes(reason)], run.stderr).deep.equals([1, true]);
    }
  });

  it('is followed through a restart without votes, and refused where it goes on from something else', async () => {
    const [l1, l2, l3] = ['L1', 'L2', 'L3'] as NodeId[] as [NodeId, NodeId, NodeId];
    const { world, restart } = await restartedWorld();
    const files = logFilesOf(world, l1);
    const run = verifyWithPython(files);
    expect([run.stderr, run.status]).deep.equals(['', 0]);
    expect(run.stdout).contains(
      `restart after height ${restart.height}, signed by the organisations`,
    );
    const height = restart.height + 1;
    const { body } = decodeDecision(files.get(`decisions/${height}.json`)!);
    const outcome = (changes: Partial<Restart> | null, signers: readonly NodeId[]): string => {
      const named = changes === null ? undefined : { ...restart, ...changes };
      const bytes = restartSigned(world.consortium, named, [l1, l2], signers);
      const other = {
        ...body,
        ops: [{ op: 'MEMBER', version: 1, manifest: digestOf(bytes) }] as const,
      };
      const decision = { body: other, certificate: unvoted(other) as unknown as Json };
      const spoilt = new Map(files)
        .set('manifest-1.json', bytes)
        .set(`decisions/${height}.json`, encodeDecision(decision));
      return verifyWithPython(spoilt).stderr;
    };
    const three = [l1, l2, l3];
    expect(outcome({ height: 1 }, three)).contains('it goes on from another block, tree or model');
    expect(outcome({ root: restart.block }, three)).contains('it goes on from another block');
    expect(outcome({ model: restart.block }, three)).contains('it goes on from another block');
    expect(outcome({}, [l1, l2])).contains('signed by 2 of the 4 members of version 0');
    expect(outcome(null, three)).contains('not the votes of a quorum');
  });

  it("is held against a node's own log, which is refused cut off, rewritten, altered and signed by another", async () => {
    const world = await trainedWorld(plainRule, 2);
    const filesOf = (id: string, prefix: string): LogFiles => {
      const all = [...world.node(id).store.files].filter(([name]) => name.startsWith(prefix));
      return new Map(all.map(([name, bytes]) => [name.slice(prefix.length), bytes]));
    };
    const files = filesOf('L1', 'log/');
    const own = filesOf('L1', nodeLogPrefix);
    const outcome = (some: LogFiles): string => {
      const { status, stderr, stdout } = verifyWithPython(files, some);
      return status === 0 ? (/^own log.*$/m.exec(stdout)?.[0] ?? '') : stderr;
    };
    expect(outcome(own)).equals('own log of L1: 5 entries, held against 2 heads in the shared log');
    const events = entriesOf(own);
    const { log: signer } = world.node('L1').member.keys;
    const rewrite = async (entries: readonly NodeEntry[], key = signer): Promise<LogFiles> => {
      const store = new MemoryStore();
      const options = { self: 'L1' as NodeId, signer: key, logKeys: [key.publicKey] };
      await (await NodeLog.open(store, options)).append(entries);
      const all = [...store.files].filter(([name]) => name.startsWith(nodeLogPrefix));
      return new Map(all.map(([name, bytes]) => [name.slice(nodeLogPrefix.length), bytes]));
    };
    const bundle = '1/tile/entries/000.p/5';
    const altered = own.get(bundle)!.slice();
    altered[100]! ^= 1;
    const [first, ...rest] = events;
    expect(outcome(await rewrite(events))).contains('held against 2 heads');
    expect(outcome(await rewrite(events.slice(0, 4)))).contains(
      'cut off: node-log/1: the update of round 2 anchors 5 entries, 4 are here',
    );
    expect(outcome(await rewrite([{ ...first!, atMs: 1 }, ...rest]))).contains(
      'rewritten: node-log/1',
    );
    expect(outcome(await rewrite(events, world.node('L2').member.keys.log))).contains(
      'not signed by a log key of L1',
    );
    expect(outcome(new Map(own).set(bundle, altered))).contains('do not have one root');
  });

  it('is the same beyond one full tile', async () => {
    const rounds = Array.from({ length: 40 }, () => 'sealed' as const);
    const { files, bodies } = await makeSampleLog({ rounds });
    const run = verifyWithPython(files);
    expect(run.stderr).equals('');
    expect(run.stdout).contains(`size 280\nroot ${bodies.at(-1)!.log.root}`);
  });

  it('fails when a head weighs more than its update', async () => {
    for (const [weight, status] of [
      [10, 0],
      [11, 1],
    ] as const) {
      const { files } = await makeSampleLog({
        rounds: ['sealed'],
        // L1's update weighs 10.
        warpStatement: (said) =>
          said.author === 'L1' ? { ...said, heads: { hps: weight } } : said,
      });
      expect(verifyWithPython(files).status, `weight ${weight}`).equals(status);
    }
  });

  it('fails on a decision removed and on a file too many, and names it', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'], isUncosigned: true });
    const whole = verifyWithPython(files);
    expect(whole.stderr).equals('');
    // Two rounds of three blocks; of the second the head waits for cosignatures.
    expect(whole.stdout).contains('decisions 6, each with the votes of a quorum');
    for (const name of files.keys()) {
      const without = new Map(files);
      without.delete(name);
      const run = verifyWithPython(without);
      // Without the head that waits, the log is that of a writer who stopped in between.
      expect(run.status, name).equals(name === 'checkpoint.next' ? 0 : 1);
      if (name.startsWith('decisions/'))
        expect(run.stderr).matches(/^wrong: decisions\/\d\.json: /);
    }
    for (const name of ['tile/0/001', 'decisions/9.json', 'notes.txt']) {
      const run = verifyWithPython(new Map(files).set(name, files.get('decisions/1.json')!));
      expect(run.status, name).equals(1);
    }
  });

  it('fails on votes that are not of a quorum, and on blocks exchanged', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'] });
    const text = new TextDecoder().decode(files.get('decisions/3.json'));
    const fewer = Buffer.from(text.replace(/,\[2,"[^"]*"\]/, ''));
    const few = verifyWithPython(new Map(files).set('decisions/3.json', fewer));
    expect(few.stderr).contains('decisions/3.json: not the votes of a quorum');
    const swapped = verifyWithPython(
      new Map(files).set('decisions/2.json', files.get('decisions/3.json')!),
    );
    expect(swapped.stderr).contains('decisions/2.json: not height 2');
  });

  it('says what it does not check', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'] });
    const said = verifyWithPython(files).stdout;
    expect(said).contains('not checked: updates and models').and.contains('follow the manifest');
  });

  it('fails on one flipped byte in every kind of file', async () => {
    const { files } = await makeSampleLog({ rounds: ['sealed'] });
    const names = [
      'manifest.json',
      'policy',
      'checkpoint',
      'decisions/2.json',
      'tile/0/000.p/7',
      'tile/entries/000.p/7',
    ];
    for (const name of names) {
      const bytes = files.get(name)!.slice();
      // The middle of a policy is in a key, of a note in a signature, of an envelope in its payload.
      bytes[Math.floor(bytes.byteLength / 2)]! ^= 1;
      const run = verifyWithPython(new Map(files).set(name, bytes));
      expect(run.status, name).equals(1);
      expect(run.stderr, name).matches(/^wrong: /);
    }
  });
});
