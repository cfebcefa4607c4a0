/** A witness outside the consortium, as a process of its own, beside nodes that train, which is away for a while. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { fromUtf8 } from '../../src/base/index.ts';
import { parseNote, parseVkey, verifyNoteSignature } from '../../src/audit/index.ts';
import { outsideNoteName } from '../../src/auditor/index.ts';
import type { NodeStatus } from '../../src/dashboard/index.ts';
import { Hospitals } from './hospitals.ts';
import { done, WitnessProcess } from './processes.ts';

/** Of the student: more than this test sees. */
const studentRounds = 500;

describe('a node of real processes whose log a witness outside cosigns', function () {
  this.timeout(240_000);
  let hospitals: Hospitals;
  let witness: WitnessProcess;
  const policy = (): string => join(hospitals.home('L1'), 'node/log/policy');
  const sizeIn = ({ witnesses }: NodeStatus): number => witnesses[0]?.size ?? 0;
  const isTold = ({ messages }: NodeStatus): boolean =>
    messages.some(({ code }) => code === 'outside-witness');

  before(async () => {
    hospitals = await Hospitals.training(['L1', 'L2', 'L3', 'L4'], studentRounds);
    witness = await WitnessProcess.start(hospitals.at('witness'), policy(), 0);
    expect(await hospitals.running.get('L1')!.stop()).equal(0);
    const line = witness.settingsLine.replace('{ ', '{ everyS: 1, ');
    appendFileSync(join(hospitals.home('L1'), 'node.yaml'), `\n${line}\n`);
    hospitals.start('L1');
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
  });
  after(async () => {
    await witness.kill();
    await hospitals.remove();
  });

  it('keeps a head that verifies under the key of the witness, and a later one later', async () => {
    const first = sizeIn(await hospitals.until('L1', (status) => sizeIn(status) > 0));
    await hospitals.until('L1', (status) => sizeIn(status) > first);
    const key = parseVkey(/ (regulator\S+?)"/.exec(witness.settingsLine)?.[1] ?? '');
    const kept = readFileSync(join(hospitals.home('L1'), 'node', outsideNoteName(key)));
    const { text, signatures } = parseNote(kept);
    expect(signatures.some((line) => verifyNoteSignature(text, line, key))).equal(true);
    expect(Number(fromUtf8(kept).split('\n')[1])).greaterThan(first);
  });

  it('says when the witness is away, and trains on', async () => {
    await witness.kill();
    const { messages, node } = await hospitals.until('L1', isTold);
    const notice = messages.find(({ code }) => code === 'outside-witness');
    expect(notice?.text).contain('regulator.example/annulus').and.contain('does not answer');
    expect(notice?.remedy).contain('witnesses.ask in node.yaml');
    await hospitals.until('L1', (status) => status.node.height >= node.height + 3);
    expect(await done('status', '--home', hospitals.home('L1'))).match(
      /^witness .*; not the last: /m,
    );
  });

  it('is cosigned again when the witness is back, and the notice is gone', async () => {
    const { port } = witness;
    const before = sizeIn(await hospitals.status('L1'));
    witness = await WitnessProcess.start(hospitals.at('witness'), policy(), port);
    await hospitals.until('L1', (status) => sizeIn(status) > before && !isTold(status));
  });
});
