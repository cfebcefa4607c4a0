import { expect } from 'chai';

import { concatBytes, seededRandom, utf8 } from '../../../src/base/index.ts';
import {
  decodeStudent,
  DistillError,
  encodeStudent,
  intensityDefaults,
} from '../../../src/distill/index.ts';
import { initialWeights } from '../../../src/models/index.ts';
import { encodeSafetensors, modelDigest } from '../../../src/weights/index.ts';

import { smallSpec as spec, smallStudent as student } from '../small-student.ts';

describe('a student as files', () => {
  const good = encodeStudent(student);

  it('comes back as it was, with its digest', () => {
    expect([...good.keys()]).deep.equal(['model.json', 'model.safetensors']);
    const digest = modelDigest(student.weights);
    expect(decodeStudent(good)).deep.equal({ ...student, digest });
  });

  it('comes back from Node Buffers in a folder with other files', () => {
    const files = new Map<string, Uint8Array>([['README', utf8('hello')]]);
    for (const [name, bytes] of good) files.set(name, Buffer.from(bytes));
    expect(decodeStudent(files).digest).equal(modelDigest(student.weights));
  });

  it('comes back with a description that a Windows editor saved', () => {
    const [bom, json] = [Uint8Array.of(0xef, 0xbb, 0xbf), good.get('model.json')!];
    const files = new Map(good).set('model.json', concatBytes(bom, json));
    expect(decodeStudent(files).digest).equal(modelDigest(student.weights));
  });

  it('comes back conditioned on the heart, and with a head for it', () => {
    const heads = { ...spec.heads, heart: 8 }; // background and the seven structures
    for (const other of [
      { ...spec, inChannels: 2 },
      { ...spec, heads },
    ]) {
      const weights = initialWeights(other, seededRandom('student'));
      const files = encodeStudent({ ...student, spec: other, weights });
      expect(decodeStudent(files).spec).deep.equal(other);
    }
  });

  const withJson = (
    change: (json: Record<string, unknown>) => unknown,
  ): Map<string, Uint8Array> => {
    const json = JSON.parse(Buffer.from(good.get('model.json') ?? []).toString()) as object;
    const text = JSON.stringify(change(json as Record<string, unknown>));
    return new Map(good).set('model.json', utf8(text));
  };
  const changed = (changes: object): Map<string, Uint8Array> =>
    withJson((json) => ({ ...json, ...changes }));
  const withRaw = (text: string): Map<string, Uint8Array> =>
    new Map(good).set('model.json', utf8(text));
  const without = (name: string): Map<string, Uint8Array> => {
    const files = new Map(good);
    files.delete(name);
    return files;
  };
  const withWeights = (weights: Parameters<typeof encodeSafetensors>[0]): Map<string, Uint8Array> =>
    new Map(good).set('model.safetensors', encodeSafetensors(weights));
  const json = Buffer.from(good.get('model.json') ?? []).toString();
  const [first, ...rest] = student.weights;
  const filled = (value: number): Float32Array =>
    new Float32Array(first?.data.length ?? 0).fill(value);
  const flipped = first?.data.map((value, n) => (n === 0 ? value + 1 : value));
  const integers = new Int32Array(first?.data.length ?? 0);

  const table: readonly (readonly [string, Map<string, Uint8Array>, string, RegExp])[] = [
    ['no description', without('model.json'), 'model.json', /missing/],
    ['no parameters', without('model.safetensors'), 'model.safetensors', /missing/],
    ['no JSON', withRaw('{'), 'model.json', /not JSON/],
    ['null', withRaw('null'), 'model.json', /object/],
    ['a list', withRaw('[]'), 'model.json', /format/],
    ['not UTF-8', new Map(good).set('model.json', Uint8Array.of(0x7b, 0xff)), 'model.json', /JSON/],
    ['another format', changed({ format: 'annulus-student/9' }), 'model.json', /format/],
    ['no digest', changed({ digest: 7 }), 'model.json', /digest/],
    [
      'weights of 3e38',
      withWeights([{ ...first!, data: filled(3e38) }, ...rest]),
      'model.safetensors',
      /expected numbers of at most 1000000, got 3\.00e\+38: no trained model/,
    ],
    [
      'a Git LFS pointer',
      new Map(good).set('model.safetensors', utf8('version https://git-lfs.github.com/spec/v1\n')),
      'model.safetensors',
      /a Git LFS pointer/,
    ],
    ['another digest', changed({ digest: 'ab'.repeat(32) }), 'model.safetensors', /digest/],
    ['NaN spacing', withRaw(json.replace('2.5', 'NaN')), 'model.json', /not JSON/],
    ['null spacing', changed({ spacingMm: [3, null, 2] }), 'model.json', /spacingMm/],
    ['infinite spacing', withRaw(json.replace('2.5', '1e999')), 'model.json', /spacingMm/],
    ['two spacings', changed({ spacingMm: [3, 3] }), 'model.json', /spacingMm/],
    ['window of a half', changed({ window: [16, 16, 16.5] }), 'model.json', /window/],
    ['window that does not fit', changed({ window: [16, 16, 20] }), 'model.json', /multiples/],
    ['window without end', changed({ window: [16, 16, 1e9] }), 'model.json', /window/],
    ['no intensity', changed({ intensity: null }), 'model.json', /intensity/],
    [
      'no deviation',
      changed({ intensity: { ...intensityDefaults, stdHu: 0 } }),
      'model.json',
      /stdHu/,
    ],
    ['another kind of net', changed({ spec: { ...spec, kind: 'resnet' } }), 'model.json', /kind/],
    ['three channels', changed({ spec: { ...spec, inChannels: 3 } }), 'model.json', /1 or 2/],
    [
      'a second channel that its parameters do not read',
      changed({ spec: { ...spec, inChannels: 2 } }),
      'model.safetensors',
      /swin/,
    ],
    [
      'a heart of seven channels',
      changed({ spec: { ...spec, heads: { ...spec.heads, heart: 7 } } }),
      'model.json',
      /8 channels of the head heart/,
    ],
    [
      'a head of nobody',
      changed({ spec: { ...spec, heads: { ...spec.heads, lung: 2 } } }),
      'model.json',
      /got lung/,
    ],
    [
      'a head with more labels than its task',
      changed({ spec: { ...spec, heads: { ...spec.heads, ms: 5 } } }),
      'model.json',
      /3 channels of the head ms/,
    ],
    ['a wider net', changed({ spec: { ...spec, featureSize: 12 } }), 'model.safetensors', /swin/],
    [
      'a deeper net',
      changed({ spec: { ...spec, depths: [1, 2] } }),
      'model.safetensors',
      /not there/,
    ],
    [
      'a net of fewer heads',
      changed({ spec: { ...spec, heads: { ms: 3 } } }),
      'model.safetensors',
      /another architecture/,
    ],
    [
      'cut short',
      new Map(good).set(
        'model.safetensors',
        (good.get('model.safetensors') ?? new Uint8Array()).slice(0, -1),
      ),
      'model.safetensors',
      /./,
    ],
    [
      'a flipped bit',
      withWeights([{ ...first!, data: flipped! }, ...rest]),
      'model.safetensors',
      /digest/,
    ],
    [
      'whole numbers',
      withWeights([{ ...first!, data: integers }, ...rest]),
      'model.safetensors',
      /not there/,
    ],
  ];
  for (const [what, files, file, message] of table) {
    it(`is refused with ${what}`, () => {
      try {
        decodeStudent(files);
      } catch (error) {
        expect(error).instanceOf(DistillError);
        const { facts, message: text } = error as DistillError;
        expect(facts).deep.equal({ code: 'bad_model', file });
        expect(text)
          .match(message)
          .and.match(new RegExp(`^${file}: `))
          .and.not.match(/\n/);
        return;
      }
      expect.fail('it was accepted');
    });
  }
});
