/** Commands of the laboratory, in this process. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runTyped } from './typed.ts';

describe('the laboratory at the terminal', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-lab-'));
  const at = (name: string): string => join(folder, name);
  const text = (name: string): string => readFileSync(at(name), 'utf8');

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('runs a preset, and runs its record again to the same bytes', async () => {
    const first = await runTyped(['simulate', 'tiny', '--out', at('a'), '--snapshot', '10']);
    expect([first.code, first.err]).deep.equal([0, '']);
    expect(first.out).match(/rounds {4}20 of 8 nodes, 600 ms of virtual time/);
    const again = ['simulate', at('a/record.json'), '--out', at('b'), '--snapshot', '10'];
    expect((await runTyped(again)).code).equal(0);
    for (const name of [
      'record.json',
      'rounds.jsonl',
      'rounds.csv',
      'nodes.csv',
      'report.html',
      'state-10.bin',
    ]) {
      expect(text(`a/${name}`) === text(`b/${name}`), name).equal(true);
    }
    // A line of names and one for each of 21 measurements, all with as many cells.
    const lines = text('a/rounds.csv').trimEnd().split('\n');
    expect(lines.length).equal(22);
    expect(new Set(lines.map((line) => line.split(',').length)).size).equal(1);
  });

  it('stops at a round, keeps the state there, and goes on from it with another setting', async () => {
    const until = ['simulate', 'tiny', '--out', at('until'), '--until-round', '5'];
    expect((await runTyped(until)).code).equal(0);
    expect(existsSync(at('until/state-5.bin'))).equal(true);
    const fork = ['simulate', '--fork-at', `${at('until')}:5`, '--set', 'topology.kind=complete'];
    const { code, out } = await runTyped([...fork, '--out', at('fork'), '--format', 'json']);
    expect(code).equal(0);
    const record = JSON.parse(out) as { fork: { round: number }; untilRound: number };
    expect([record.fork.round, record.untilRound]).deep.equal([5, 20]);
    // The record of a fork is run again without the folder of the run that it went on from.
    rmSync(at('until'), { recursive: true });
    await runTyped(['simulate', at('fork/record.json'), '--out', at('fork-2')]);
    expect(text('fork/record.json') === text('fork-2/record.json')).equal(true);
  });

  it('compares runs, and writes figures', async () => {
    await runTyped(['simulate', 'tiny', '--seed', '2', '--out', at('a2')]);
    await runTyped(['simulate', 'tiny', '--set', 'topology.kind=star', '--out', at('star')]);
    const folders = [at('a'), at('a2'), at('star')];
    const { code, out } = await runTyped(['compare', ...folders, '--out', at('compared')]);
    expect(code).equal(0);
    expect(out).match(/ 2 {2}topology\.kind ring\n/);
    expect(out).match(/ 1 {2}topology\.kind star\n/);
    expect(text('compared/error-by-round.svg')).match(
      /^<svg\s+xmlns="http:\/\/www.w3.org\/2000\/svg"/,
    );
    const { out: json } = await runTyped(['compare', ...folders, '--format', 'json']);
    expect((JSON.parse(json) as { groups: unknown[] }).groups.length).equal(2);
  });

  it('takes links from a file beside the preset', async () => {
    const rows = Array.from({ length: 8 }, (_, a) =>
      [1, 7].map((hop) => `${a},${(a + hop) % 8},100,0,0`),
    ).flat();
    writeFileSync(at('links.csv'), `from,to,delayMs,bytesPerSecond,lossRate\n${rows.join('\n')}\n`);
    writeFileSync(at('traced.yaml'), 'lab: { nodes: 8, rounds: 2, links: { trace: links.csv } }');
    const { code, out } = await runTyped(['simulate', at('traced.yaml'), '--out', at('traced')]);
    expect(code).equal(0);
    // Twice a step of 10 ms and 100 ms on the way.
    expect(out).contain('220 ms of virtual time');
  });

  const refused: readonly (readonly [readonly string[], string])[] = [
    [
      ['simulate', 'tiny', '--set', 'topology.kin=ring'],
      'unknown key lab.topology.kin: did you mean lab.topology.kind?',
    ],
    [
      ['simulate', 'tiny', '--set', 'nodes=1025'],
      'lab.nodes: expected a whole number from 2 to 1024, got 1025',
    ],
    [
      ['simulate', 'tiny', '--set', 'attack.kind=alie'],
      'lab.attack.count: expected attackers if, and only if',
    ],
    [['simulate', 'tiny', '--set', 'topology.kind=torus', '--set', 'nodes=7'], 'no prime'],
    [['simulate', 'tiny', '--set', 'links.trace=nowhere.csv'], 'nowhere.csv: no such file'],
    [['simulate', 'tiny', '--kill', 'L1@student:1'], '--kill: not with a preset of the laboratory'],
    [['simulate', 'tiny', '--world', 'virtual'], '--world: not with a preset of the laboratory'],
    [
      ['simulate', 'smoke', '--until-round', '3'],
      '--until-round: only with a preset of the laboratory',
    ],
    [['simulate', '--fork-at', 'x'], '--fork-at: expected RUN:ROUND'],
    [['simulate', 'tiny', '--fork-at', 'x:1'], 'one of the two'],
    [['sweep', 'smoke', '--over', 'seed=1'], 'expected a preset of the laboratory'],
    [['sweep', 'tiny', '--over', 'nodes=8,9000'], 'lab.nodes: expected'],
    [['compare', '.'], 'expected the folder of a laboratory run, with record.json'],
  ];
  for (const [args, words] of refused) {
    it(`refuses: annulus ${args.join(' ')}`, async () => {
      const { code, err } = await runTyped(
        args[0] === 'compare' ? args : [...args, '--out', at('none')],
      );
      expect(code, err).equal(2);
      expect(err).contain(words);
      expect(existsSync(at('none'))).equal(false);
    });
  }
});
