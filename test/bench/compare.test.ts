/** The comparison with PyTorch: its arithmetic here, and that both sides compute the same where PyTorch is installed. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { compareSides, differenceMax } from '../../bench/compute/agreement.ts';
import { agreementCases, cases, flopsOf, tensorsOf } from '../../bench/compute/cases.ts';
import { median, rowLine, summaryLine, type Row } from '../../bench/compute/comparison-table.ts';
import { SideWorker, startOwn, startTorch } from '../../bench/compute/worker.ts';

const python = '/usr/bin/python3';
const findTorch =
  'import importlib.util as u, sys; sys.exit(not (u.find_spec("torch") and u.find_spec("numpy")))';
const hasTorch = spawnSync(python, ['-c', findTorch]).status === 0;

const [conv] = cases;
const [, teacher] = agreementCases;

function row(given: Row['given'], ms: Row['ms'], losses: Row['losses']): Row {
  return { given, ms, losses, failures: [null, null], peakBytes: [2 ** 20, 2 ** 21] };
}

describe('the comparison with PyTorch', () => {
  it('counts the operations of a convolution and both gradients', () => {
    // 3 passes · 2 · 27 taps · 16 · 16 channels · 64³ voxels
    expect(conv?.kind === 'conv' ? flopsOf(conv) : 0).equal(10_871_635_968);
  });

  it('takes medians, and gives a speed above 1 when ours takes less time', () => {
    expect(median([3, 1, 2])).equal(2);
    expect(median([4, 1, 2, 3])).equal(2.5);
    expect(median([])).NaN;
    const rows = [
      row(conv!, [[100], [150]], [[0], [0]]),
      row(
        teacher!,
        [[200, 400, 300], [150]],
        [
          [1, 1, 1, 0.5],
          [1, 1, 1, 0.75],
        ],
      ),
    ];
    expect(rowLine(rows[0]!)).match(/100 \/ 150 +1\.50× +108\.7 \/ 72\.5$/);
    expect(rowLine(rows[1]!)).match(/300 \/ 150 +0\.50× +1 \/ 2 +0\.50000 \/ 0\.75000$/);
    expect(summaryLine(rows))
      .contain('median 1.00×')
      .and.contain('least 0.50×')
      .and.contain('2.5e-1');
  });

  it('leaves the half of a side that failed empty, and says why', () => {
    const failed = {
      ...row(teacher!, [[], [150]], [[], [1]]),
      failures: ['no room', null] as const,
    };
    expect(rowLine(failed)).match(/– \/ 150.*\n +no room$/);
    expect(summaryLine([failed])).equal('nothing was measured on both sides');
  });

  it('gives both sides labels of every class, and the same tensors again', () => {
    const once = tensorsOf(teacher!);
    expect(new Set(once.find(({ name }) => name === 'l.hps')!.data).size).equal(6);
    expect(tensorsOf(teacher!)).deep.equal(once);
  });

  it('tells when a side ends, with its last words', async () => {
    const side = new SideWorker(process.execPath, ['-e', 'throw new TypeError("no such thing")']);
    let refusal = '';
    await side.ask({ do: 'memory' }).catch((error: unknown) => (refusal = String(error)));
    expect(refusal).match(/node\S* ended: /);
  });

  if (!hasTorch) {
    process.stdout.write(`    (${python} has no torch: nothing to compare with)\n`);
    return;
  }
  describe('where PyTorch is', () => {
    let sides: readonly [SideWorker, SideWorker];
    before(async () => {
      sides = [startOwn(), startTorch(python)];
      for (const side of sides) {
        await side.ask({ do: 'hello', backend: 'wasm', threads: 1 });
      }
    });
    after(() => {
      for (const side of sides) side.end();
    });

    for (const given of agreementCases) {
      it(`finds outputs and losses of ${given.id} to be PyTorch's`, async () => {
        const { output, loss } = await compareSides(given, ...sides);
        expect(output, 'outputs').below(differenceMax);
        expect(loss, 'losses').below(differenceMax);
      });
    }
  });
});
