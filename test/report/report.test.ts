import { inflateSync } from 'node:zlib';
import { expect } from 'chai';
import {
  encodeGrayPng,
  renderReport,
  durationText,
  bytesText,
  type SlicePoint,
} from '../../src/report/index.ts';
import { linearScale } from '../../src/report/axis.ts';
import { quantile } from '../../src/report/figures.ts';
import { lineChart, type Line } from '../../src/report/line-chart.ts';
import { html } from '../../src/report/markup.ts';
import { outline, sliceFigure } from '../../src/report/slice-figure.ts';
import type { Volume } from '../../src/data/index.ts';
import type { Mark } from '../../src/distill/index.ts';
import { picturesOfScene } from '../../src/experiment/run/slice-planes.ts';
import { fakeDigest, syntheticRecord } from './synthetic-record.ts';

describe('the report', () => {
  const record = syntheticRecord();
  const page = renderReport(record);

  it('needs nothing from any network', () => {
    expect(page).match(/Content-Security-Policy"\s+content="default-src 'none'/);
    expect(page).not.match(/(src|href)\s*=\s*"(?!data:|#)/);
    expect(page).not.match(/<script|@import|url\(/);
  });

  it('says that all nodes hold the sealed model, and that the log verifies', () => {
    expect(page).contain('One model on 8 nodes');
    expect(page).contain(record.sealedDigest);
    expect(page).contain('The log verifies');
    expect(page).contain('L3@student:2');
  });

  it('says so when one node differs', () => {
    const nodes = record.nodes.map((node, index) =>
      index === 4 ? { ...node, modelDigest: fakeDigest('another') } : node,
    );
    expect(renderReport({ ...record, nodes })).contain('do not hold one sealed model');
  });

  it('shows what is absent as absent, and draws a run that ended early', () => {
    const early = {
      ...record,
      rounds: [],
      evaluation: [],
      groups: [],
      slices: [],
      sealedDigest: null,
    };
    expect(renderReport(early))
      .contain('nothing was sealed')
      .and.not.match(/\bNaN\b|undefined</);
    expect(page.replace(/base64,[^"]*/g, '')).not.match(/\bNaN\b/);
  });

  it('says how well a student with a head for the heart does, and nothing of it else', () => {
    const row = {
      ...record.evaluation[0]!,
      model: 'student',
      task: 'heart',
      unit: 'dice',
    } as const;
    const value = { n: 2, median: 0.812, lowerQuartile: 0.8, upperQuartile: 0.9 };
    const evaluation = [...record.evaluation, { ...row, hospital: 'L1', value, missRate: null }];
    expect(renderReport({ ...record, evaluation })).match(/mean Dice .*: L1 0\.81\./);
    expect(page).not.contain('mean Dice');
  });

  it('spells tasks out before it uses their short names', () => {
    const text = page.slice(page.indexOf('<main>')).replace(/<[^>]*>/g, ' ');
    for (const { id, title } of record.consortium.tasks) {
      const short = text.search(new RegExp(`\\b${id}\\b`));
      expect(text.indexOf(title), id).greaterThan(-1).and.lessThan(short);
    }
  });

  it('says what a negative loss means, and what it did not measure', () => {
    expect(page)
      .contain('(cross-entropy − Dice)')
      .and.match(/negative\s+loss is a good one/)
      .and.match(/Not measured here: what a hospital's own\s+training alone/);
  });

  it('escapes what it did not write', () => {
    expect(html`<p title="${'"><script>'}">${'<b>&'}</p>`.text).equal(
      '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;</p>',
    );
  });
});

describe('a picture', () => {
  it('is a PNG whose rows come back', () => {
    const png = encodeGrayPng(Uint8Array.of(1, 2, 3, 4, 5, 6), 3, 2);
    const view = new DataView(png.buffer, png.byteOffset);
    // Signature 8, IHDR 25; then the length of IDAT.
    const length = view.getUint32(33);
    const rows = inflateSync(png.subarray(41, 41 + length));
    expect([...rows]).deep.equal([0, 1, 2, 3, 0, 4, 5, 6]);
    // CRC of an empty IEND, as in every PNG.
    expect([...png.subarray(-4)]).deep.equal([0xae, 0x42, 0x60, 0x82]);
  });

  const slice = syntheticRecord().slices[0]!;
  const at = (label: string, x: number, y: number, kind: 'truth' | 'predicted'): SlicePoint => ({
    ...{ label, x, y, kind, offSliceMm: 0 },
  });

  it('keeps names of points off one another, and off the edges', () => {
    for (const [x, y] of [
      [48, 48],
      [2, 2],
      [94, 95],
    ] as const) {
      const points = ['MS1', 'MS2', 'NCC', 'RCC', 'LCC'].map((label, n) =>
        at(label, x + n / 4, y - n / 4, 'truth'),
      );
      const { text } = sliceFigure({ ...slice, points }, 'a');
      const size = Number(/font-size:([\d.]+)px/.exec(text)?.[1]);
      // Capitals of a sans-serif font are two thirds as wide as the font is high, at most.
      const boxes = [...text.matchAll(/<text x="([-\d.]+)" y="([-\d.]+)" style[^>]*>(\w+)</g)].map(
        ([, left = '', bottom = '', label = '']) => ({
          label,
          left: Number(left),
          right: Number(left) + label.length * size * 0.66,
          top: Number(bottom) - size * 0.75,
          bottom: Number(bottom),
        }),
      );
      expect(boxes.map(({ label }) => label)).deep.equal(['MS1', 'MS2', 'NCC', 'RCC', 'LCC']);
      boxes.forEach((a, n) => {
        const where = `${a.label} near ${x}, ${y}`;
        expect(Math.min(a.left, a.top), where).least(-0.01);
        expect(Math.max(a.right, a.bottom), where).most(96.01);
        for (const b of boxes.slice(n + 1)) {
          const isApart =
            a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
          expect(isApart, `${where} and ${b.label}`).equal(true);
        }
      });
    }
  });

  it('names what was found where no truth is known, and once where it is', () => {
    const alone = sliceFigure({ ...slice, points: [at('RCA', 9, 9, 'predicted')] }, 'a').text;
    expect(alone).match(/<text [^>]*>RCA</);
    const both = [at('RCA', 9, 9, 'predicted'), at('RCA', 12, 9, 'truth')];
    expect(sliceFigure({ ...slice, points: both }, 'a').text.match(/<text [^>]*>RCA</g)).length(1);
  });

  it('has a scale bar, its sides, and a larger view without a script', () => {
    // 96 pixels of 1.5 mm; a quarter is 36 mm, so the bar is 20 mm: 13.33 pixels.
    const { text } = sliceFigure({ ...slice, points: [] }, 'picture-7');
    expect(text)
      .match(/h13\.33v/)
      .and.contain('20 mm');
    const sides = [...text.matchAll(/class="side"[^>]*>(\w)</g)].map(([, side]) => side);
    expect(sides).deep.equal(['R', 'L', 'A', 'P']);
    expect(text).contain('id="picture-7"').and.contain('href="#picture-7"');
  });

  it('has the sides that its points lie on', () => {
    // RAS: 40 mm to the right, to the front and to the head of the middle of a cube of 100 mm.
    const affine = Float64Array.of(1, 0, 0, -50, 0, 1, 0, -50, 0, 0, 1, -50, 0, 0, 0, 1);
    const shape = [100, 100, 100] as const;
    const image: Volume = { shape, affine, data: new Float32Array(1e6) };
    const marks: Mark[] = [
      { label: 'RCA', at: [40, 40, 40], kind: 'truth' },
      { label: 'LCA', at: [-40, -40, -40], kind: 'truth' },
    ];
    const [axial, coronal] = picturesOfScene({ title: '', caption: '', image, marks, areas: [] });
    expect(axial!.sides).deep.equal({ left: 'R', right: 'L', top: 'A', bottom: 'P' });
    expect(coronal!.sides).deep.equal({ left: 'R', right: 'L', top: 'S', bottom: 'I' });
    for (const picture of [axial!, coronal!]) {
      const [first, second] = picture.points;
      expect(picture.pixelMm).equal(1);
      expect(first!.x, picture.title).lessThan(second!.x);
      expect(first!.y, picture.title).lessThan(second!.y);
    }
  });

  it('has outlines along the edges of pixels', () => {
    // One pixel of a 2 × 2 mask: top, bottom, left and right edge.
    expect(outline(Uint8Array.of(1, 0, 0, 0), 2, 2)).equal('M0 0h1M0 1h1M0 0v1M1 0v1');
  });
});

describe('a line over rounds', () => {
  const strokesOf = (values: Line['values']): number[] => {
    const lines = [{ name: 'student', tone: 'student', values }];
    const { text } = lineChart({
      title: 't',
      unit: 'mm',
      rounds: [1, 2, 3, 4],
      lines,
      fromZero: true,
    });
    const path = /<path class="line student" d="([^"]*)"/.exec(text)?.[1] ?? '';
    return path
      .split('M')
      .slice(1)
      .map((stroke) => stroke.split('L').length);
  };

  it('goes on over a round that nobody looked at, and ends where there was no value', () => {
    expect(strokesOf([4, 3, 2, 1])).deep.equal([4]);
    expect(strokesOf([4, undefined, 2, 1])).deep.equal([3]);
    expect(strokesOf([4, null, 2, 1])).deep.equal([1, 2]);
  });
});

describe('figures', () => {
  it('have quartiles as NumPy computes them', () => {
    // numpy.quantile([1, 2, 3, 4], [.25, .5, .75]) = 1.75, 2.5, 3.25
    expect([0.25, 0.5, 0.75].map((share) => quantile([4, 1, 3, 2], share))).deep.equal([
      1.75, 2.5, 3.25,
    ]);
    expect(quantile([], 0.5)).equal(null);
  });

  it('have axes that end on round numbers', () => {
    expect(linearScale([0, 7.3], [0, 100]).ticks).deep.equal([0, 2, 4, 6, 8]);
    expect(linearScale([0, 1], [100, 0]).at(0.25)).equal(75);
  });

  it('read well', () => {
    expect([60, 4_200, 95_000, 7_260_000].map(durationText)).deep.equal([
      '60 ms',
      '4.2 s',
      '1 min 35 s',
      '2 h 1 min',
    ]);
    expect([900, 1536, 200 * 2 ** 20].map(bytesText)).deep.equal(['900 B', '1.5 KiB', '200 MiB']);
  });
});
