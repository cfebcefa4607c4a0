import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../../src/base/index.ts';
import {
  annotate,
  DataError,
  decodeCase,
  encodeCase,
  labelMap,
  makePhantom,
  phantomDefaults,
  type Case,
} from '../../../src/data/index.ts';

const voxels = 12 * 14 * 16;

function ramp(perVoxel: number): Uint8Array {
  return Uint8Array.from({ length: voxels * perVoxel }, (_, n) => n);
}

function someCase(): Case {
  const settings = { ...phantomDefaults, shape: [12, 14, 16] as const };
  const { image, truth } = makePhantom(seededRandom('case'), settings);
  const annotation = annotate(seededRandom('hand'), truth);
  return {
    id: 'L1-0001',
    image,
    labels: {
      hps: labelMap('hps', annotation, image, 4),
      calc: labelMap('calc', annotation, image, 4),
    },
    origin: { hps: 'expert', calc: 'pseudo' },
    softLabels: { calc: { probabilities: ramp(2), aleatoric: ramp(1), epistemic: ramp(1) } },
    heart: truth.heart,
    points: { RCC: annotation.points.RCC, LCA: null },
  };
}

/** The bytes of `one` with its JSON header changed as text. */
function withHeader(one: Case, change: (text: string) => string): Uint8Array {
  const bytes = Buffer.from(encodeCase(one));
  const length = bytes.readUInt32LE(8);
  const text = Buffer.from(change(bytes.toString('utf8', 12, 12 + length)));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  return new Uint8Array(
    Buffer.concat([bytes.subarray(0, 8), size, text, bytes.subarray(12 + length)]),
  );
}

describe('a case on disk', () => {
  it('comes back as it was', () => {
    const one = someCase();
    expect(decodeCase(encodeCase(one))).to.deep.equal(one);
  });

  it('keeps whole HU in two bytes and fractions in four', () => {
    const one = someCase();
    const count = 12 * 14 * 16;
    const whole = encodeCase(one).length;
    const data = one.image.data.map((value) => value + 0.25);
    const fractions = { ...one, image: { ...one.image, data } };
    expect(decodeCase(encodeCase(fractions))).to.deep.equal(fractions);
    // 'float32' has two letters more than 'int16'.
    expect(encodeCase(fractions).length - whole).to.equal(count * 2 + 2);
  });

  it('refuses a file that is cut, prolonged, of another kind or version', () => {
    const bytes = encodeCase(someCase());
    for (const length of [0, 4, 8, 11, 12, 100, bytes.length - 1]) {
      expect(() => decodeCase(bytes.subarray(0, length)), `${length} bytes`).to.throw(DataError);
    }
    expect(() => decodeCase(Buffer.concat([bytes, Buffer.alloc(1)]))).to.throw(DataError, 'arrays');
    const version = bytes.slice();
    version[7] = 2;
    expect(() => decodeCase(version)).to.throw(DataError, 'ANNCASE');
  });

  it('refuses headers that break a rule', () => {
    const changes: [string, string, string][] = [
      ['"id":"L1-0001"', '"id":"../../etc"', 'id'],
      ['"id":"L1-0001"', '"id": "L1-0001"', 'header'],
      ['"id":"L1-0001"', '"id":"L1-0001","id":"L1-0001"', 'header'],
      ['"id":"L1-0001"', '"id":"L1-0001","name":"x"', 'case'],
      ['[12,14,16]', '[12,14,1600]', 'shape'],
      ['[12,14,16]', '[12,14,-16]', 'shape'],
      ['[12,14,16]', '[1000,1000,1000]', 'expected'],
      ['"int16"', '"int8"', 'values'],
      ['"expert"', '"guess"', 'origin'],
      ['"task":"calc"', '"task":"hps"', 'labels'],
      ['"task":"calc"', '"task":"kidney"', 'task'],
      ['"softLabel":true', '"softLabel":1', 'softLabel'],
      ['"softLabel":true', '"softLabel":false', 'arrays'],
      ['"origin":"expert","softLabel":false', '"origin":"expert","softLabel":true', 'softLabel'],
      ['"heart":true', '"heart":1', 'heart'],
      ['"LCA":null', '"LCA":[1,2]', 'points'],
      ['"LCA":null', '"XYZ":null', 'points'],
    ];
    for (const [from, to, field] of changes) {
      const bytes = withHeader(someCase(), (text) => {
        expect(text, from).to.contain(from);
        return text.replace(from, to);
      });
      expect(() => decodeCase(bytes), to).to.throw(DataError, field);
    }
  });

  it('refuses label values that the task does not have, also when writing', () => {
    const one = someCase();
    const calc = one.labels.calc!.slice();
    calc[5] = 2;
    const bad = { ...one, labels: { ...one.labels, calc } };
    expect(() => encodeCase(bad)).to.throw(DataError, 'calc');
    expect(() => encodeCase({ ...one, origin: { hps: 'expert' } })).to.throw(DataError, 'origin');
  });

  it('never breaks otherwise on bytes from anywhere', () => {
    const good = encodeCase(someCase());
    const flips = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          decodeCase(bytes);
        } catch (error) {
          expect(error).to.be.instanceOf(DataError);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
