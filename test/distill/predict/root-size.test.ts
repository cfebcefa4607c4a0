/** How large a root is beside the mean: arithmetic. */
import { expect } from 'chai';
import type { PointName, Vector3 } from '../../../src/data/index.ts';
import {
  meanApartMm,
  sizeOfRoot,
  type FoundPoint,
} from '../../../src/distill/predict/root-size.ts';

const found = (points: Partial<Record<PointName, Vector3>>): FoundPoint[] =>
  (Object.entries(points) as [PointName, Vector3][]).map(([name, position]) => ({
    name,
    position,
    probability: 0.5,
  }));

/** Three hinge points at equal distances, and an ostium straight above the first of them. */
function root(sideMm: number, ostiumMm: number): FoundPoint[] {
  const high = (sideMm * Math.sqrt(3)) / 2;
  return found({
    RCC: [0, 0, 0],
    LCC: [sideMm, 0, 0],
    NCC: [sideMm / 2, high, 0],
    RCA: [0, 0, ostiumMm],
  });
}

describe('the size of a root', () => {
  it('is the median distance of its points in parts of the mean distance', () => {
    // Sides of 21.4, 21.4 and 21.3 mm and an ostium 18 mm up are the mean; distances to it from the others are hypot(side, 18).
    const shares = (sideMm: number, ostiumMm: number): number => {
      const across = Math.hypot(sideMm, ostiumMm);
      const six = [sideMm / 21.4, sideMm / 21.4, sideMm / 21.3, ostiumMm / 18, across / 30.2, across / 30.3];
      return six.sort((a, b) => a - b)[3] ?? NaN;
    }; // prettier-ignore
    expect(sizeOfRoot(root(21.4, 18)))
      .closeTo(shares(21.4, 18), 1e-12)
      .and.closeTo(1, 0.01);
    expect(sizeOfRoot(root(0.8 * 21.4, 0.8 * 18))).closeTo(0.8 * shares(21.4, 18), 1e-12);
  });

  it('does not ask how far apart the two ends of the septum are', () => {
    const points = root(21.4, 18);
    const ends = found({ MS1: [0, 0, 0], MS2: [0, 0, -90] });
    expect(meanApartMm('MS2', 'MS1')).equal(7.1);
    // Without the septum's own distance half of the shares lie between the others; with it the median would be the same or higher.
    expect(sizeOfRoot([...points.slice(0, 2), ...ends])).equal(
      [21.4 / 21.4, 0, 90 / 14.9, 21.4 / 24.6, Math.hypot(21.4, 90) / 26].sort((a, b) => a - b)[2],
    );
  });

  it('is not told by three points', () => {
    expect(sizeOfRoot(root(21.4, 18).slice(0, 3))).equal(null);
    expect(sizeOfRoot([])).equal(null);
  });
});
