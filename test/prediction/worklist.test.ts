/** Lists of CTs: what is read, what is refused with its line, and what their summary says. */
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import {
  countResults,
  parseWorklist,
  PredictionError,
  summaryCsv,
  summaryLines,
  worklistOf,
  type StudyResult,
} from '../../src/prediction/index.ts';

const parse = (text: string): ReturnType<typeof parseWorklist> => parseWorklist(utf8(text));

describe('a worklist', () => {
  it('is a CSV file whose headings stand in any order, with the id of each CT or a number', () => {
    expect(parse('input,id\r\na.nii,P1\r\n"b,c ""x"".nii",\r\n\r\nd.nii,P3')).deep.equal([
      { id: 'P1', input: 'a.nii', heart: null, series: null },
      { id: 'case-0002', input: 'b,c "x".nii', heart: null, series: null },
      { id: 'P3', input: 'd.nii', heart: null, series: null },
    ]);
    expect(parse('\uFEFFid,input,heart,series\n1,ct,h.nii,ct-0a1b2c3d\n')).deep.equal([
      { id: '1', input: 'ct', heart: 'h.nii', series: 'ct-0a1b2c3d' },
    ]);
  });

  it('is the inputs of a folder, numbered in their order', () => {
    expect(worklistOf(['a', 'b']).map(({ id, input }) => [id, input])).deep.equal([
      ['case-0001', 'a'],
      ['case-0002', 'b'],
    ]);
  });

  const refused: readonly (readonly [what: string, text: string, words: RegExp])[] = [
    ['is empty', '', /line 1: expected the headings id, input, heart, series/],
    ['has no headings', 'a.nii\n', /line 1: expected the headings/],
    ['has a heading that nobody knows', 'input,name\na,b\n', /line 1: expected the headings/],
    ['has a heading twice', 'input,input\na,b\n', /line 1: expected the headings/],
    ['has headings alone', 'input\n', /expected a CT at least, got an empty list/],
    ['has a cell too many', 'input\na.nii\nb,c.nii\n', /line 3: expected 1 cells .*, got 2/],
    ['has no path', 'id,input\nP1,\n', /line 2: expected a path as input, got none/],
    ['has a quote that does not end', 'input\n"a.nii\n', /expected a quote at the end/],
    ['has an id that is a path', 'id,input\n../x,a\n', /line 2: expected an id of letters/],
    ['has an id twice', 'id,input\nP1,a\np1,b\n', /line 3: expected every id once/],
    [
      'has an id of a number that another CT gets',
      'id,input\ncase-0002,a\n,b\n',
      /line 3: .* once/,
    ],
    ['would write over the summary', 'id,input\nsummary.csv,a\n', /line 2: expected an id/],
    ['is too long', `input\n${'a\n'.repeat(10_001)}`, /at most 10000 CTs, got 10001/],
    ['is too large', `input\n${'a'.repeat(4 * 1024 * 1024)}`, /at most 4194304 bytes/],
  ];
  for (const [what, text, words] of refused) {
    it(`is refused when it ${what}`, () => {
      expect(() => parse(text)).throw(PredictionError, words);
    });
  }

  it('is refused when it is no text', () => {
    expect(() => parseWorklist(Uint8Array.of(0x50, 0x4b, 0xff, 0xfe, 0x80))).throw(
      PredictionError,
      /CSV file in UTF-8/,
    );
  });
});

describe('the summary of a worklist', () => {
  const done = (id: string, verdict: StudyResult['verdict'], mm: number | null): StudyResult => ({
    ...{ id, status: 'done', verdict, error: null },
    measures: [
      { id: 'annulus_diameter', unit: 'mm', value: mm },
      { id: 'agatston_like', unit: '1', value: 7 },
    ],
  });
  const results: StudyResult[] = [
    done('P1', 'plausible', 23.4),
    done('P2', 'implausible', null),
    { id: 'P3', status: 'failed', verdict: null, measures: [], error: 'a "bad", file' },
    { id: 'P4', status: 'waiting', verdict: null, measures: [], error: null },
  ];

  it('counts what is done, what of it cannot be, what failed and what was not begun', () => {
    expect(countResults(results)).deep.equal({ done: 2, implausible: 1, failed: 1, waiting: 1 });
    expect(summaryLines(results).at(-1)).equal(
      '2 of 4 done, 1 of them implausible, 1 failed, 1 not begun',
    );
    expect(summaryLines(results)[0]).equal('P1  plausible    annulus 23.4 mm');
    expect(summaryLines(results)[1]).equal('P2  IMPLAUSIBLE  no annulus');
  });

  it('is a table with a row for each CT and a column with its unit for each measure', () => {
    expect(new TextDecoder().decode(summaryCsv(results)).split('\r\n')).deep.equal([
      'id,status,verdict,annulus_diameter_mm,agatston_like,error',
      'P1,done,plausible,23.4,7,',
      'P2,done,implausible,,7,',
      'P3,failed,,,,"a ""bad"", file"',
      'P4,waiting,,,,',
      '',
    ]);
  });
});
