import { inflateSync } from 'node:zlib';
import { expect } from 'chai';
import { encodeGrayPng, renderReport, durationText, bytesText } from '../../src/dashboard/index.ts';
import { linearScale } from '../../src/dashboard/axis.ts';
import { quantile } from '../../src/dashboard/figures.ts';
import { lineChart, type Line } from '../../src/dashboard/line-chart.ts';
import { html } from '../../src/dashboard/markup.ts';
import { outline } from '../../src/dashboard/slice-figure.ts';
import { fakeDigest, syntheticRecord } from './synthetic-record.ts';

describe('the report', () => {
  const record = syntheticRecord();
  const page = renderReport(record);

  it('needs nothing from any network', () => {
    expect(page).match(/Content-Security-Policy"\s+content="default-src 'none'/);
    expect(page).not.match(/(src|href)\s*=\s*"(?!data:)/);
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
