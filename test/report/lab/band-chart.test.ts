/** Curves on one pair of axes. */
import { expect } from 'chai';
import { bandFile, type BandCurve } from '../../../src/report/lab/band-chart.ts';

const curve = (name: string, colour: string): BandCurve => ({
  ...{ name, colour },
  points: [0, 1].map((x) => ({ x, middle: x, low: x, high: x })),
});

describe('a chart of curves', () => {
  it('tells curves of one colour apart by their dashes, on the axes and in the key', () => {
    const curves = [curve('a', '#111111'), curve('b', '#222222'), curve('c', '#111111')];
    const labels = { title: 't', xLabel: 'x', yLabel: 'y' };
    const file = bandFile({ ...labels, isLogY: false, curves });
    const strokes = [...file.matchAll(/stroke:(#(?:111111|222222)(?:;stroke-dasharray:[^;"]+)?)/g)];
    const [a, b, c] = ['#111111', '#222222', '#111111;stroke-dasharray:6 3'];
    expect(strokes.map(([, stroke]) => stroke)).deep.equal([a, b, c, a, b, c]);
  });
});
