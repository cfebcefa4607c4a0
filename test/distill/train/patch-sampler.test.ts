import { expect } from 'chai';

import { InvariantError, seededRandom, type Random } from '../../../src/base/index.ts';
import {
  drawPatch,
  drawSource,
  foregroundOf,
  type SamplingSettings,
} from '../../../src/distill/index.ts';
import type { Triple } from '../../../src/models/index.ts';
import { trainingCase, undisturbed } from '../training-cases.ts';

/** Chance that gives these numbers in turn, then one half for ever: no turn, no change of size. */
function scripted(numbers: readonly number[]): Random {
  let at = 0;
  const uniform = (): number => numbers[at++] ?? 0.5;
  return {
    uint32: () => Math.floor(uniform() * 2 ** 32),
    uniform,
    normal: () => 0,
    integer: (below) => Math.floor(uniform() * below),
    fork: () => scripted([]),
  };
}

/** The order of draws: whether around a label (1), the case (1), place (3), then the three angles. */
const anywhere = [0.5, 0.5, 0.5, 0.5, 0.5] as const;

function patchOf(
  source: ReturnType<typeof trainingCase>,
  size: Triple,
  settings: Partial<SamplingSettings>,
  random: Random | string,
): ReturnType<typeof drawPatch> {
  const chance = typeof random === 'string' ? seededRandom(random) : random;
  const from = drawSource([source], ['calc'], chance, settings.foregroundShare ?? 0);
  return drawPatch(from, ['calc'], size, chance, { ...undisturbed, ...settings });
}

const indexed = trainingCase([6, 7, 9], (d, h, w) => d * 100 + h * 10 + w, {
  calc: (d, h, w) => (d + h + w) % 2,
});

describe('foregroundOf', () => {
  it('lists the voxels of each value that occurs, the least value first', () => {
    const lists = foregroundOf(Uint8Array.from([0, 5, 2, 0, 2, 5]));
    expect(lists.map((list) => [...list])).deep.equal([
      [2, 4],
      [1, 5],
    ]);
    expect(foregroundOf(new Uint8Array(4))).deep.equal([]);
  });
});

describe('drawSource', () => {
  const healthy = trainingCase([4, 4, 4], () => 0, { calc: () => 0, ms: () => 1 });
  const calcified = trainingCase([4, 4, 4], () => 0, { calc: () => 1 });
  const cases = [healthy, healthy, healthy, calcified];

  it('takes a patch that is to show a structure from a case that has it', () => {
    for (let n = 0; n < 50; n++) {
      const from = drawSource(cases, ['calc'], seededRandom(`${n}`), 1);
      expect(from).deep.equal({ source: calcified, about: 'calc' });
    }
  });

  it('asks for each structure that some case has as often', () => {
    const random = seededRandom('tasks');
    const about = Array.from({ length: 1000 }, () =>
      drawSource(cases, ['calc', 'ms', 'hps'], random, 1),
    );
    expect(about.filter((from) => from.about === 'hps')).length(0);
    // Half of a thousand, within four deviations.
    const calc = about.filter((from) => from.about === 'calc').length;
    expect(calc).within(437, 563);
    for (const from of about) {
      expect(from.source.foreground.get(from.about ?? '')?.length).greaterThan(0);
    }
  });

  it('takes any case where no structure is asked for, or none has it', () => {
    const random = seededRandom('any');
    const draws = [...Array(200).keys()].map(() => drawSource(cases, ['calc'], random, 0));
    expect(draws.every(({ about }) => about === null)).equal(true);
    // A quarter of two hundred, within four deviations.
    expect(draws.filter(({ source }) => source === calcified)).length.within(25, 75);
    expect(drawSource([healthy], ['calc'], random, 1)).deep.equal({ source: healthy, about: null });
  });
});

describe('drawPatch', () => {
  it('gives the source itself without augmentation and it is as large', () => {
    const { image, labels } = patchOf(indexed, indexed.shape, {}, 'any');
    expect(image).deep.equal(indexed.image);
    expect([...(labels.get('calc') ?? [])]).deep.equal([...(indexed.labels.get('calc') ?? [])]);
  });

  it('copies what it neither turns nor scales, to what a turn by nothing would give', () => {
    for (const size of [
      [2, 3, 4],
      [6, 7, 9],
      [8, 9, 4],
      [12, 12, 12],
    ] as const) {
      for (let n = 0; n < 20; n++) {
        const straight = { rotationProbability: 0, scaleProbability: 0 };
        const copied = patchOf(indexed, size, straight, `copy ${n}`);
        expect(copied, `${size.join()} ${n}`).deep.equal(patchOf(indexed, size, {}, `copy ${n}`));
      }
    }
  });

  it('gives exact crops without augmentation, everywhere in the source', () => {
    const size: Triple = [2, 3, 4];
    const corners = new Set<number>();
    for (let n = 0; n < 200; n++) {
      const { image, labels } = patchOf(indexed, size, {}, `crop ${n}`);
      const corner = image[0] ?? -1;
      corners.add(corner);
      let at = 0;
      for (let d = 0; d < 2; d++) {
        for (let h = 0; h < 3; h++) {
          for (let w = 0; w < 4; w++, at++) {
            const wanted = corner + d * 100 + h * 10 + w;
            expect(image[at], `crop ${n} at ${d} ${h} ${w}`).equal(wanted);
            const sum = Math.floor(wanted / 100) + (Math.floor(wanted / 10) % 10) + (wanted % 10);
            expect(labels.get('calc')?.[at], `label of crop ${n}`).equal(sum % 2);
          }
        }
      }
    }
    // (6 - 2 + 1) · (7 - 3 + 1) · (9 - 4 + 1) = 150 places; 200 draws see about half of them.
    expect(corners.size).greaterThan(60);
    expect(Math.max(...corners)).most(445);
  });

  it('turns by 90 degrees about each axis as arithmetic says', () => {
    // Angles a, b, c about depth, height, width. From patch offsets (z, y, x) to source offsets:
    //   about depth  (z, -x, y): source (., 1, 2) is patch (., 2, -1)
    //   about height (x, y, -z): source (1, ., 2) is patch (-2, ., 1)
    //   about width  (-y, z, x): source (1, 2, .) is patch (2, -1, .)
    const cases = [
      { angles: [1, 0.5, 0.5], source: [0, 1, 2], patch: [0, 2, -1] },
      { angles: [0.5, 1, 0.5], source: [1, 0, 2], patch: [-2, 0, 1] },
      { angles: [0.5, 0.5, 1], source: [1, 2, 0], patch: [2, -1, 0] },
    ] as const;
    for (const { angles, source, patch } of cases) {
      const isMarked = (d: number, h: number, w: number): number =>
        d === 2 + source[0] && h === 2 + source[1] && w === 2 + source[2] ? 1 : 0;
      const held = trainingCase([5, 5, 5], isMarked, { calc: isMarked });
      const random = scripted([...anywhere, ...angles]);
      const { image, labels } = patchOf(held, [5, 5, 5], { rotationDegMax: 90 }, random);
      const wanted = ((2 + patch[0]) * 5 + 2 + patch[1]) * 5 + 2 + patch[2];
      const name = `angles ${angles.join()}`;
      expect(labels.get('calc')?.indexOf(1), name).equal(wanted);
      expect(image[wanted], name).closeTo(1, 1e-6);
      expect(
        image.reduce((sum, value) => sum + value, 0),
        name,
      ).closeTo(1, 1e-6);
    }
  });

  it('keeps labels on the image under turns and scalings', () => {
    // A block of ones, labelled: where all eight neighbours are 1 the image is 1 and the label must be.
    const inBlock = (d: number, h: number, w: number): number =>
      d > 4 && d < 12 && h > 3 && h < 11 && w > 6 && w < 13 ? 1 : 0;
    const held = trainingCase([18, 18, 18], inBlock, { calc: inBlock });
    let [inside, outside] = [0, 0];
    for (let n = 0; n < 10; n++) {
      const turned = { rotationDegMax: 45, scaleDownShareMax: 0.5, scaleUpShareMax: 0.5 };
      const { image, labels } = patchOf(held, [12, 12, 12], turned, `turn ${n}`);
      image.forEach((value, at) => {
        const label = labels.get('calc')?.[at];
        if (value > 1 - 1e-6) {
          inside++;
          expect(label, `inside, turn ${n}`).equal(1);
        } else if (value < 1e-6) {
          outside++;
          expect(label, `outside, turn ${n}`).equal(0);
        }
      });
    }
    expect(inside).greaterThan(100);
    expect(outside).greaterThan(100);
  });

  it('surrounds a source smaller than the patch with its darkest value and no label', () => {
    const held = trainingCase([2, 2, 2], (d, h, w) => 5 - d - h - w, { calc: () => 1 });
    const { image, labels } = patchOf(held, [4, 4, 4], {}, 'small');
    const map = labels.get('calc') ?? new Int32Array();
    expect(map.reduce((sum, label) => sum + label, 0)).equal(8);
    const seen: number[] = [];
    image.forEach((value, at) => {
      if (map[at] === 1) seen.push(value);
      else expect(value, `voxel ${at}`).equal(2); // 5 - 1 - 1 - 1
    });
    expect(seen).deep.equal([5, 4, 4, 3, 4, 3, 3, 2]);
  });

  it('always shows a labelled voxel when told to cut around labels, wherever it lies', () => {
    for (const place of [0, 7, 19]) {
      const held = trainingCase([20, 20, 20], () => 0, {
        calc: (d, h, w) => (d === place && h === 19 - place && w === place ? 1 : 0),
      });
      for (let n = 0; n < 50; n++) {
        const { labels } = patchOf(held, [8, 8, 8], { foregroundShare: 1 }, `around ${n}`);
        expect(labels.get('calc')?.includes(1), `voxel ${place}, draw ${n}`).equal(true);
      }
    }
  });

  it('cuts anywhere when the structure is absent in this patient', () => {
    const held = trainingCase([6, 6, 6], () => 0, { calc: () => 0 });
    const { labels } = patchOf(held, [4, 4, 4], { foregroundShare: 1 }, 'healthy');
    expect(labels.get('calc')?.some((label) => label > 0)).equal(false);
  });

  it('draws the same bytes from the same seed, and others from another', () => {
    const all = {
      foregroundShare: 0.5,
      rotationDegMax: 15,
      scaleDownShareMax: 0.2,
      scaleUpShareMax: 0.2,
      scannerGainShareMax: 0.2,
      scannerOffsetMax: 0.2,
      scannerNoiseStdDevMax: 0.2,
    };
    const first = patchOf(indexed, [4, 4, 4], all, 'a');
    expect(patchOf(indexed, [4, 4, 4], all, 'a')).deep.equal(first);
    expect(patchOf(indexed, [4, 4, 4], all, 'b')).not.deep.equal(first);
  });

  it('never mirrors: the way from patch to source has the determinant scale³', () => {
    for (let n = 0; n < 30; n++) {
      // A linear image is interpolated exactly, so differences of neighbours are rows of the matrix.
      const rows = [0, 1, 2].map((axis) => {
        const held = trainingCase([24, 24, 24], (...at) => at[axis] ?? 0, { calc: () => 0 });
        const turned = { rotationDegMax: 45, scaleDownShareMax: 0.3, scaleUpShareMax: 0.3 };
        const { image } = patchOf(held, [2, 2, 2], turned, scriptedTurn(n));
        const corner = image[0] ?? 0;
        return [4, 2, 1].map((step) => (image[step] ?? 0) - corner);
      });
      const [[a = 0, b = 0, c = 0] = [], [d = 0, e = 0, f = 0] = [], [g = 0, h = 0, k = 0] = []] =
        rows;
      const determinant = a * (e * k - f * h) - b * (d * k - f * g) + c * (d * h - e * g);
      const scale = Math.hypot(a, b, c);
      expect(determinant, `draw ${n}`).closeTo(scale ** 3, 1e-4);
      expect(scale, `draw ${n}`).within(0.7 - 1e-4, 1.3 + 1e-4);
      expect(Math.hypot(d, e, f), `second row, draw ${n}`).closeTo(scale, 1e-4);
    }
  });

  it('changes contrast and brightness by no more than it may', () => {
    const held = trainingCase([4, 4, 4], (d) => (d < 2 ? 0 : 1), { calc: () => 0 });
    const gains: number[] = [];
    for (let n = 0; n < 50; n++) {
      const { image } = patchOf(
        held,
        [4, 4, 4],
        { scannerGainShareMax: 0.2, scannerOffsetMax: 0.3 },
        `${n}`,
      );
      const offset = image[0] ?? NaN;
      gains.push((image[63] ?? NaN) - offset);
      expect(offset, `draw ${n}`).within(-0.3, 0.3);
    }
    expect(Math.min(...gains)).within(0.8 - 1e-6, 0.9);
    expect(Math.max(...gains)).within(1.1, 1.2 + 1e-6);
  });

  it('adds noise of no more than the deviation it may', () => {
    const held = trainingCase([16, 16, 16], () => 1, { calc: () => 0 });
    const deviations = Array.from({ length: 20 }, (_, n) => {
      const { image } = patchOf(held, [16, 16, 16], { scannerNoiseStdDevMax: 0.2 }, `noise ${n}`);
      const square = image.reduce((sum, value) => sum + (value - 1) ** 2, 0);
      return Math.sqrt(square / image.length);
    });
    // The deviation of 4096 normal numbers is known to 1.1 %.
    expect(Math.max(...deviations)).within(0.1, 0.21);
    expect(Math.min(...deviations)).most(0.1);
  });

  it('refuses a case that has no label of the heads', () => {
    const settings = undisturbed;
    const from = { source: indexed, about: null };
    expect(() => drawPatch(from, ['ms'], [4, 4, 4], seededRandom(1), settings)).throws(
      InvariantError,
    );
  });
});

/** The middle of the source and the turn that seed `n` draws. */
function scriptedTurn(n: number): Random {
  const random = seededRandom(`turn ${n}`);
  return scripted([...anywhere, ...Array.from({ length: 4 }, () => random.uniform())]);
}
