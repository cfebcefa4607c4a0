import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadPreset, type RunSettings } from '../../src/config/index.ts';
import {
  holdersOf,
  limitsOf,
  membersOf,
  planOf,
  taughtTasks,
} from '../../src/simulate/run-plan.ts';
import { projectRoot } from '../project-root.ts';

const preset = 'eight-hospitals.yaml';
const settings = loadPreset(readFileSync(join(projectRoot, 'config', preset), 'utf8'), preset);

describe('run plan', () => {
  it('lets the holders of each label train its teacher, then all the student', () => {
    const plan = planOf(settings);
    const all = settings.consortium.hospitals;
    for (const stage of plan.stages.slice(0, -1)) {
      const task = stage.task as 'hps' | 'ms' | 'calc';
      const holders = all.filter(({ cases }) => cases[task] > 0).map(({ id }) => id);
      expect(stage.participants, stage.id).to.deep.equal(holders.sort());
      expect(stage.minParticipants, stage.id).to.equal(Math.ceil(holders.length / 2));
    }
    expect(plan.stages.map(({ id }) => id)).to.deep.equal([
      ...taughtTasks(settings).map((task) => `teacher-${task}`),
      'student',
    ]);
    expect(plan.stages.at(-1)!.participants).to.deep.equal(membersOf(settings));
  });

  it('makes no stage for a task that nobody labelled', () => {
    const { consortium } = settings;
    const hospitals = consortium.hospitals.map((one) => ({
      ...one,
      cases: { ...one.cases, ms: 0 },
    }));
    const without: RunSettings = { ...settings, consortium: { ...consortium, hospitals } };
    expect(holdersOf(without, 'ms')).to.deep.equal([]);
    expect(planOf(without).stages.map(({ id }) => id)).to.not.include('teacher-ms');
  });

  it('bounds an update by four bytes a parameter and what encryption adds', () => {
    // 1 000 000 parameters: 4 000 000 bytes · 1.01 + 4096.
    expect(limitsOf(settings, 1_000_000).updateBytesMax).to.equal(4_044_096);
  });
});
