import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import {
  ConfigError,
  emptyStage,
  limitsOfPlan,
  loadPresetFor,
  planForMembers,
  planOf,
  type MemberLabels,
} from '../../src/config/index.ts';
import { plainImages, sampleStage } from '../wire/sample-stage.ts';
import { projectRoot } from '../project-root.ts';

const member = (id: string, ...labels: string[]): MemberLabels => ({ id: id as NodeId, labels });
const smoke = readFileSync(join(projectRoot, 'config/smoke.yaml'), 'utf8');

describe('a preset for members', () => {
  const load = (members: readonly MemberLabels[], text = smoke): ReturnType<typeof loadPresetFor> =>
    loadPresetFor(members, text, 'smoke.yaml', [{ key: 'seed', text: '5', source: '--set' }]);

  it("has them in place of the preset's hospitals, and a teacher for each task that one labels", () => {
    const members = [member('B', 'calc'), member('A', 'calc', 'hps'), member('C')];
    const settings = load(members);
    const { seed, stages } = planOf(settings);
    expect(seed).to.equal(5);
    expect(
      stages.map(({ id, participants, minParticipants }) => [id, participants, minParticipants]),
    ).to.deep.equal([
      ['teacher-hps', ['A'], 1],
      ['teacher-calc', ['A', 'B'], 1],
      ['student', ['A', 'B', 'C'], 2],
    ]);
  });

  it('needs no hospitals of its own, but somebody who labels something, and settings that hold', () => {
    const bare = smoke.replace(/consortium:[^]*?(?=\nphantom:)/, '');
    expect(bare).not.to.contain('L1');
    expect(load([member('A', 'ms')], bare).consortium.hospitals.length).to.equal(1);
    expect(() => load([member('A')])).to.throw(ConfigError, 'labels for hps, ms, calc');
    expect(() => load([member('A', 'ms')], smoke.replace('batch: 1', 'batch: 0'))).to.throw(
      ConfigError,
    );
  });

  it('bounds updates by the largest model of the plan', () => {
    // A patch is 16³ at most, and both networks are tiny: more than 4096 bytes, less than 4 MB.
    const { updateBytesMax } = limitsOfPlan(planOf(load([member('A', 'ms')])));
    expect(updateBytesMax).to.be.within(4097, 4_000_000);
  });
});

describe('a plan whose members change', () => {
  const [a, b, c, d] = [member('A', 'hps'), member('B', 'hps'), member('C'), member('D', 'hps')];
  const ids = (...members: MemberLabels[]): NodeId[] => members.map(({ id }) => id);
  const plan = {
    seed: 1,
    images: plainImages,
    stages: [
      sampleStage({ id: 'teacher-hps', kind: 'teacher', task: 'hps', participants: ids(a, b) }),
      // C was left out on purpose.
      sampleStage({ id: 'student', participants: ids(a, b), minParticipants: 1 }),
    ],
  };
  const taking = (after: readonly MemberLabels[]): unknown =>
    planForMembers(plan, [a, b, c], after).stages.map((stage) => [
      stage.participants.join(''),
      stage.minParticipants,
    ]);

  it('stays as it is when none of them does', () => {
    expect(planForMembers(plan, [a, b, c], [a, b, c])).to.deep.equal(plan);
  });

  it('lets newcomers into the stages whose task they label and the student', () => {
    expect(taking([a, b, c, d])).to.deep.equal([
      ['ABD', 2],
      ['ABD', 2],
    ]);
    expect(taking([a, b, c, member('D', 'ms')])).to.deep.equal([
      ['AB', 1],
      ['ABD', 2],
    ]);
  });

  it('leaves out who left, and asks again who labels other tasks now', () => {
    expect(taking([b, c])).to.deep.equal([
      ['B', 1],
      ['B', 1],
    ]);
    expect(taking([a, b, member('C', 'hps')])).to.deep.equal([
      ['ABC', 2],
      ['ABC', 2],
    ]);
  });

  it('tells of a stage that nobody is left in', () => {
    expect(emptyStage(planForMembers(plan, [a, b, c], [a, b]))).to.equal(null);
    expect(emptyStage(planForMembers(plan, [a, b, c], [c, member('E')]))).to.equal('teacher-hps');
  });
});
