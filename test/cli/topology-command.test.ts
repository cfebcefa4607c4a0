/** `annulus topology` as it is typed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runTyped } from './typed.ts';

interface Row {
  readonly topology: string;
  readonly nodes: number;
  readonly gap: number;
  readonly exactAfter: number | null;
  readonly bytesPerStep: number;
  readonly bytesToThousandth: number;
}

describe('annulus topology', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-topology-'));
  const at = (name: string): string => join(folder, name);
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const rowsOf = async (...args: string[]): Promise<Row[]> => {
    const { code, out, err } = await runTyped(['topology', ...args, '--format', 'json']);
    expect(code, err).equal(0);
    return (JSON.parse(out) as { rows: Row[] }).rows;
  };

  it('tells gap, steps and bytes', async () => {
    // A star of 10: factor 0.9, 66 steps; 18 messages of 4 MB for ten nodes.
    const [star] = await rowsOf('star', '--nodes', '10', '--parameters', '1000000');
    expect(star!.gap).closeTo(0.1, 1e-12);
    expect([star!.bytesPerStep, star!.bytesToThousandth]).deep.equal([7.2e6, 66 * 7.2e6]);
    const { out } = await runTyped(['topology', 'base', '--nodes', '6', '--parameters', '1']);
    expect(out).match(/base 1 +1\.00 +0\.000000 +4, exact/);
    const local = await runTyped(['topology', 'el-local', '--nodes', '9', '--degree', '3']);
    expect(local.out)
      .match(/el-local 3 \*/)
      .and.contain('push-sum over the same links');
  });

  it('shows all side by side, and says what is left out', async () => {
    const rows = await rowsOf('all', '--nodes', '16');
    expect(rows.map(({ topology }) => topology.split(' ')[0])).length(14);
    expect(rows.every(({ nodes }) => nodes === 16)).equal(true);
    const { code, out } = await runTyped(['topology', 'all', '--nodes', '7']);
    expect(code).equal(0);
    expect(out).contain(
      'left out: topology torus: expected a number of nodes that is no prime, got 7',
    );
  });

  it('reads a list of edges and GraphML', async () => {
    writeFileSync(at('list.txt'), 'L1 L2\nL2 L3\n');
    writeFileSync(
      at('graph.xml'),
      '<graphml><graph edgedefault="undirected"><node id="a"/><node id="b"/><node id="c"/>' +
        '<edge source="a" target="b"/><edge source="b" target="c"/></graph></graphml>',
    );
    for (const name of ['list.txt', 'graph.xml']) {
      // A path of three: rows (⅔, ⅓, 0), (⅓, ⅓, ⅓), (0, ⅓, ⅔); eigenvalues 1, ⅔, 0.
      const [path] = await rowsOf('file', '--file', at(name));
      expect(path!.gap, name).closeTo(1 / 3, 1e-12);
    }
  });

  it('draws', async () => {
    const { code, out } = await runTyped([
      'topology',
      'torus',
      '--nodes',
      '9',
      '--out',
      at('t.svg'),
    ]);
    expect(code).equal(0);
    expect(out).contain(`picture  ${at('t.svg')}`);
    expect(readFileSync(at('t.svg'), 'utf8')).match(/^<svg .*>[^]*torus, 9 nodes[^]*<\/svg>\n$/);
  });

  it('teaches with examples', async () => {
    const { code, out } = await runTyped(['topology', '--help']);
    expect(code).equal(0);
    expect(out)
      .contain('annulus topology all --nodes 64')
      .and.contain('exact mean after log2 n steps');
  });

  writeFileSync(at('bad.txt'), 'a b\na b\n');
  writeFileSync(at('apart.txt'), 'a b\nc d\n');
  writeFileSync(at('latin.txt'), Uint8Array.of(0x61, 0x20, 0xe9));
  const mistakes: [string[], string][] = [
    [['rin'], 'Allowed choices are ring, torus'],
    [['ring', '--nodes', '1'], '--nodes: expected a whole number from 2 to 4096, got 1'],
    [['ring', '--nodes', 'ten'], '--nodes: expected a whole number, got "ten"'],
    [['ring', '--parameters', '0'], '--parameters: expected at least 1'],
    [['ring', '--out', 'ring.png'], '--out: expected a name ending in .svg, got ring.png'],
    [['torus', '--nodes', '13'], 'take 12 or 14, or a ring'],
    [['regular', '--nodes', '9', '--degree', '3'], 'an even degree for 9 nodes'],
    [['erdos-renyi', '--nodes', '100', '--edge-rate', '0.01'], 'well above ln(n) / n = 0.046'],
    [['clusters', '--groups', '17'], '--groups: expected a whole number from 1 to 16, got 17'],
    [['ring', '--redrawn'], '--redrawn: not of topology ring; leave it out'],
    [['file'], 'expected --file FILE'],
    [['file', '--file', at('none')], 'none: no such file'],
    [['file', '--file', at('bad.txt')], 'bad.txt: line 2: expected each edge once'],
    [['file', '--file', at('apart.txt')], 'a connected graph'],
    [['file', '--file', at('latin.txt')], 'as UTF-8 text'],
    [['file', '--file', at('graph.xml'), '--directed'], '--directed: GraphML says it itself'],
  ];
  for (const [args, words] of mistakes) {
    it(`answers ${args.slice(0, 3).join(' ')} (${words}) in one line, with exit code 2`, async () => {
      const { code, out, err } = await runTyped(['topology', ...args]);
      expect([code, out]).deep.equal([2, '']);
      expect(err)
        .contain(words)
        .and.match(/^annulus: [^\n]+\n$/);
      expect(existsSync('ring.png')).equal(false);
    });
  }
});
