import { expect } from 'chai';
import { readLinkTrace } from '../../../src/experiment/lab/link-trace.ts';

const heads = 'from,to,delayMs,bytesPerSecond,lossRate';

describe('a trace of links', () => {
  it('is read from CSV and from JSON alike', () => {
    const link = { from: 0, to: 1, delayMs: 12.5, bytesPerSecond: 1_000_000, lossRate: 0.01 };
    const csv = `to,from,delayMs,lossRate,bytesPerSecond\r\n1,0,12.5,0.01,1e6\r\n`;
    expect(readLinkTrace(csv, 'a.csv', 2)).deep.equal([link]);
    expect(readLinkTrace(JSON.stringify([link]), 'a.json', 2)).deep.equal([link]);
  });

  const refused: readonly (readonly [string, string, string])[] = [
    ['another column', `${heads},speed\n0,1,1,1,0,1`, 'a.csv:1: expected from, to'],
    ['a missing column', 'from,to\n0,1', 'a.csv:1: expected from, to'],
    ['a cell too few', `${heads}\n0,1,1,1`, 'a.csv:2: expected 5 values, got 4'],
    ['an empty cell, which Number takes for 0', `${heads}\n0,1,,1,0`, 'a.csv:2: expected delayMs'],
    ['hexadecimal, which Number takes', `${heads}\n0,1,0x10,1,0`, 'a.csv:2: expected delayMs'],
    ['a negative delay', `${heads}\n0,1,-1,1,0`, 'from 0 to 3600000, got -1'],
    ['a loss rate above 1', `${heads}\n0,1,1,1,1.1`, 'from 0 to 1, got 1.1'],
    ['a node of another run', `${heads}\n0,2,1,1,0`, 'expected nodes from 0 to 1, got 0 to 2'],
    ['half a node', `${heads}\n0,0.5,1,1,0`, 'expected to: a whole number'],
    ['a node and itself', `${heads}\n1,1,1,1,0`, 'two different nodes'],
    ['a link twice', `${heads}\n0,1,1,1,0\n0,1,2,1,0`, 'a.csv:3: expected each link once'],
    ['nothing', `${heads}\n`, 'expected 1 to'],
    ['a list of other things', '[1]', 'a.csv:1: expected an object'],
    ['text in JSON', '[{"from":"0","to":1,"delayMs":1,"bytesPerSecond":1,"lossRate":0}]', 'got 0'],
    ['broken JSON', '[{', 'expected JSON'],
  ];
  for (const [what, text, words] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => readLinkTrace(text, 'a.csv', 2)).throw(words);
    });
  }
});
