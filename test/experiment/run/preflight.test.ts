import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { utf8, type NodeId } from '../../../src/base/index.ts';
import { hospitalDefaults, runDefaults, type RunSettings } from '../../../src/config/index.ts';
import { loopbackFault } from '../../../src/host/index.ts';
import {
  checkKills,
  checkMachine,
  filesNeeded,
  lastBlockOfAll,
} from '../../../src/experiment/run/preflight.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const ids = (count: number): NodeId[] =>
  Array.from({ length: count }, (_, at) => `L${at + 1}` as NodeId);
const killsOf = (nodes: readonly string[], stageRound = 1): Parameters<typeof checkKills>[0] =>
  nodes.map((node) => ({ node, stage: 'student', stageRound }));

/** The default settings with so many hospitals, all with labels of hps. */
function runOf(count: number): RunSettings {
  const cases = { ...hospitalDefaults.cases, hps: 2 };
  const hospitals = ids(count).map((id) => ({ ...hospitalDefaults, id, cases }));
  return { ...runDefaults, consortium: { ...runDefaults.consortium, hospitals } };
}

async function refusalOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => {
      throw new Error('expected a refusal');
    },
    (error: unknown) => error as Error,
  );
}

describe('preflight', () => {
  it('lets at most a third of the members be killed in one round', () => {
    // floor((n - 1) / 3) members may be away: 1 of 4, 2 of 8, 5 of 16, none of 3.
    for (const [count, awayMax] of [
      [3, 0],
      [4, 1],
      [8, 2],
      [16, 5],
    ] as const) {
      expect(() => {
        checkKills(killsOf(ids(awayMax)), runOf(count));
      }, `${awayMax} of ${count}`).not.throw();
      expect(
        () => {
          checkKills(killsOf(ids(awayMax + 1)), runOf(count));
        },
        `${awayMax + 1} of ${count}`,
      ).throws(`at most ${awayMax} of them away`);
    }
    expect(() => {
      checkKills([...killsOf(['L1']), ...killsOf(['L2'], 2), ...killsOf(['L1'])], runOf(4));
    }, 'one in each of two rounds').not.throw();
  });

  it('refuses a kill that the plan does not have', () => {
    const { rounds } = runDefaults.training.student;
    const table: readonly (readonly [string, string, number, RegExp])[] = [
      ['L9', 'student', 1, /unknown hospital L9: expected one of L1, L2, L3, L4$/],
      ['L1', 'teacher', 1, /unknown stage teacher: expected one of teacher-hps, student$/],
      ['L1', 'student', 0, /a round of student from 1 to \d+, got 0$/],
      ['L1', 'student', rounds + 1, /from 1 to \d+, got \d+$/],
      ['L4', 'teacher-hps', 1, /L4 does not train teacher-hps/],
    ];
    const [one, two, three, four] = runOf(4).consortium.hospitals;
    const hospitals = [one!, two!, three!, { ...four!, cases: hospitalDefaults.cases }];
    const settings = { ...runDefaults, consortium: { ...runDefaults.consortium, hospitals } };
    for (const [node, stage, stageRound, words] of table) {
      expect(() => {
        checkKills([{ node, stage, stageRound }], settings);
      }, words.source).throws(words);
    }
    checkKills([{ node: 'L4', stage: 'student', stageRound: rounds }], settings);
  });

  it('refuses to begin with fewer open files than the connections of all pairs need', async () => {
    // Both ends of 16 * 15 connections, two for each pair, are in this process.
    expect(filesNeeded(16, 2)).greaterThan(2 * 16 * 15);
    const { code, message } = await refusalOf(checkMachine(4, 2, 64));
    expect(code).equal('too_few_files');
    expect(message).contain('64 are allowed: raise the limit (ulimit -n');
    await checkMachine(4, 2, 4096);
    await checkMachine(4, 2, null);
  });

  it('hears whether the loopback device answers', async () => {
    expect(await loopbackFault()).equal(null);
    const extension = import.meta.url.endsWith('.js') ? 'js' : 'ts';
    const file = new URL(`../../../src/host/machine-limits.${extension}`, import.meta.url).href;
    const script = `import('${file}').then(async (room) => process.stdout.write(String(await room.loopbackFault())))`;
    const run = spawnSync(
      'unshare',
      // As root, or in a user namespace of its own; some machines allow neither.
      [
        process.getuid?.() === 0 ? '-n' : '-rn',
        process.execPath,
        ...process.execArgv,
        '--input-type=module',
        '-e',
        script,
      ],
      { encoding: 'utf8' },
    );
    if (run.status !== 0 && run.stderr.includes('unshare')) return;
    expect(run.stdout, run.stderr).match(/ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH/);
  });

  it('finds the time of the newest block, and a node that lost its folder', async () => {
    const [one, two] = ids(2).map((id) => ({ id, store: new MemoryStore() }));
    const nodes = [one!, two!];
    expect(await lastBlockOfAll(nodes), 'nothing begun').equal(null);
    await one!.store.write('log/manifest.json', utf8('{}'));
    expect(await lastBlockOfAll(nodes), 'ended before the second node began').equal(null);
    for (const [height, ts] of [
      [9, 900],
      [10, 1000],
    ]) {
      const text = JSON.stringify({ body: { ts } });
      await one!.store.write(`log/decisions/${height}.json`, utf8(text));
    }
    const { code, message } = await refusalOf(lastBlockOfAll(nodes));
    expect(code).equal('node_missing');
    expect(message).contain('the folder of L2 is gone').and.contain('put the folder back');
    await two!.store.write('log/manifest.json', utf8('{}'));
    expect(await lastBlockOfAll(nodes)).equal(1000);
  });
});
