/** A patient's page: whole in itself, plain about what it is, and about what it does not know. */
import { expect } from 'chai';
import { base64 } from '../../src/base/index.ts';
import { renderPatient, type PatientRecord, type SlicePicture } from '../../src/report/index.ts';

const slice: SlicePicture = {
  ...{ title: 'Annulus', caption: 'along the plane', width: 4, height: 4, pixelAspect: 1 },
  ...{ pixelMm: 0.5, sides: { left: 'R', right: 'L', top: 'A', bottom: 'P' } },
  gray: base64(new Uint8Array(16)),
  points: [{ x: 2, y: 2, label: 'RCC', kind: 'predicted', offSliceMm: 0 }],
  areas: [],
  lines: [{ label: 'annulus', path: [[0, 1], [4, 1]] }], // prettier-ignore
};
const record: PatientRecord = {
  reasons: [],
  slices: [slice],
  groups: [
    {
      title: 'Coronary ostia',
      rows: [
        {
          ...{ title: 'left ostium', shown: '13.0 mm', verdict: 'plausible', why: null },
          range: { low: 0, high: 34, source: 'Tops 2008' },
        },
        {
          ...{
            title: 'right ostium',
            shown: null,
            verdict: 'not_judged',
            why: 'RCA was not found',
          },
          range: { low: 0, high: 34, source: 'Tops 2008' },
        },
        {
          ...{ title: '<b>view</b>', shown: 'LAO 12° CRAN 3°', verdict: 'not_judged', why: null },
          range: null,
        },
      ],
    },
  ],
  ...{ found: ['RCC', 'LCA'], missed: ['RCA'], model: '0123abcd', version: '0.1.0' },
};

describe("a patient's page", () => {
  const page = renderPatient(record);

  it('needs nothing from any network, and runs no script', () => {
    expect(page).match(/Content-Security-Policy"\s+content="default-src 'none'/);
    expect(page).not.match(/(src|href)\s*=\s*"(?!data:|#)/);
    expect(page).not.match(/<script|@import|url\(/);
  });

  it('says once that it is not a medical device', () => {
    expect(page.match(/not a medical device/gi)).length(1);
  });

  it('shows each measure with its flag, range and source, and why one is absent', () => {
    const text = page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    expect(text).contain('left ostium 13.0 mm ✓ plausible 0 to 34 Tops 2008');
    expect(text).contain('right ostium – RCA was not found 0 to 34 Tops 2008');
    expect(text).contain('LAO 12° CRAN 3° not judged');
    expect(text).contain('Found: RCC, LCA. Not found: RCA.');
  });

  it('draws lines of planes and names points', () => {
    expect(page).match(/class="plane"\s+d="M0 1L4 1"/);
    expect(page).match(/<text [^>]*>RCC</);
  });

  it('says first that a result is implausible, with every reason', () => {
    const bad = renderPatient({ ...record, reasons: ['RCA & LCA are far apart'] });
    expect(bad.indexOf('do not use this result')).below(bad.indexOf('<table'));
    expect(bad).contain('RCA &amp; LCA are far apart');
    expect(page).not.contain('do not use this result');
  });

  it('escapes what it did not write', () => {
    expect(page).contain('&lt;b&gt;view&lt;/b&gt;').and.not.contain('<b>view</b>');
  });
});
