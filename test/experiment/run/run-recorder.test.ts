import { expect } from 'chai';
import { utf8, type NodeId } from '../../../src/base/index.ts';
import { hospitalDefaults, limitsOf, planOf, runDefaults } from '../../../src/config/index.ts';
import type { ProgressEvent } from '../../../src/report/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import type { PeerEvent } from '../../../src/peer/index.ts';
import { simulatedConsortium, simulatedMember } from '../../../src/experiment/run/consortium.ts';
import { hospitalRecord, RunRecorder } from '../../../src/experiment/run/run-recorder.ts';

const [one, two] = ['L1', 'L2'] as NodeId[];
const participants = [one!, two!];
const model = digestOf(utf8('model'));
const opened = (round: number): PeerEvent => ({
  kind: 'opened',
  round,
  stage: 'student',
  participants,
  atMs: 10 * round,
});
const sealed = (round: number): PeerEvent => ({
  kind: 'sealed',
  round,
  stage: 'student',
  model,
  participants: [{ node: one!, weight: 5, metricsMilli: { loss: 1500 }, updateBytes: 4321 }],
  excluded: [two!],
  height: 2 * round + 1,
  logSize: 9,
  atMs: 10 * round + 5,
});
const recorderAt = (clock: { nowMs: () => number }): RunRecorder =>
  new RunRecorder(runDefaults, 'run', () => undefined, clock, 0);

describe('run recorder', () => {
  it('tells no bias of a hospital that labelled nothing', () => {
    const annotator = { biasMm: [3, 0, 4], scatterMm: 1 } as const;
    const hospital = { ...hospitalDefaults, id: 'L5', annotator };
    const cases = { ...hospital.cases, hps: 0, ms: 0, calc: 0 };
    expect(hospitalRecord({ ...hospital, cases }).annotator).equal('none: it labelled nothing');
    // |(3, 0, 4)| = 5
    const taught = hospitalRecord({ ...hospital, cases: { ...cases, calc: 1 } });
    expect(taught.annotator).equal('bias 5.0 mm, scatter 1 mm');
  });

  it('writes each round once, void ones with the number of the round that is tried again', () => {
    const recorder = recorderAt({ nowMs: () => 0 });
    for (const node of participants) {
      recorder.peerEvent(node, opened(1));
      recorder.peerEvent(node, {
        kind: 'void',
        round: 1,
        reason: 'too_few_updates',
        height: 3,
        atMs: 15,
      });
      recorder.peerEvent(node, opened(2));
      recorder.peerEvent(node, sealed(2));
    }
    const { rounds, sealedDigest } = recorder.record(null);
    const facts = rounds.map(({ round, stageRound, outcome }) => [round, stageRound, outcome]);
    expect(facts).to.deep.equal([
      [1, 1, 'void'],
      [2, 1, 'sealed'],
    ]);
    expect(rounds[1]!.participants).to.deep.equal([{ node: 'L1', weight: 5, loss: 1.5 }]);
    expect(rounds.map(({ updateBytes }) => updateBytes)).to.deep.equal([0, 4321]);
    expect(sealedDigest).to.equal(model);
  });

  it('notes who was left out, killed, started again and caught up', () => {
    const recorder = recorderAt({ nowMs: () => 0 });
    recorder.peerEvent(one!, opened(1));
    recorder.killed(two!, 1);
    recorder.peerEvent(one!, sealed(1));
    recorder.restarted(two!, 1);
    recorder.peerEvent(two!, { kind: 'caught-up', height: 3 });
    const { faults } = recorder.record(null);
    expect(faults.map(({ node, kind, round }) => [node, kind, round])).to.deep.equal([
      ['L2', 'killed', 1],
      ['L2', 'excluded', 1],
      ['L2', 'restarted', 1],
      ['L2', 'caught-up', 1],
    ]);
  });

  it('shares the time out among the parts by one clock, also over blocks of an earlier start', async () => {
    let nowMs = 1000;
    const events: ProgressEvent[] = [];
    const clock = { nowMs: () => nowMs };
    const { consortium } = runDefaults;
    const hospitals = participants.map((id) => ({
      ...hospitalDefaults,
      id,
      cases: { ...hospitalDefaults.cases, unlabelled: 1, hps: 1 },
    }));
    const settings = { ...runDefaults, consortium: { ...consortium, hospitals } };
    const plan = planOf(settings);
    const student = plan.stages.find(({ id }) => id === 'student')!;
    const recorder = new RunRecorder(settings, 'run', (event) => events.push(event), clock, 0);
    const members = participants.map((id) => simulatedMember(1, id, ['hps']));
    const one1 = { ...plan, stages: [{ ...student, rounds: 2 }] };
    recorder.begin(
      simulatedConsortium(members, {
        name: 'x',
        domain: 'x.example',
        plan: one1,
        limits: limitsOf(1),
      }),
      { before: [], after: [] },
    );
    // The first round was opened at 10 and sealed at 15, before this start; this start begins at 1000.
    recorder.peerEvent(one!, opened(1));
    recorder.peerEvent(one!, sealed(1));
    let met = (): void => undefined;
    const meeting = recorder.during(
      'network',
      'meeting',
      () => new Promise<void>((resolve) => (met = resolve)),
    );
    recorder.peerEvent(one!, { ...opened(2), atMs: 1100 } as PeerEvent);
    nowMs = 1200;
    met();
    await meeting;
    nowMs = 1500;
    recorder.peerEvent(one!, { ...sealed(2), atMs: 1490 } as PeerEvent);
    const { stages, rounds, startedAt, finishedAt } = recorder.record(null);
    // From 10 to 1490, less the 200 ms of the meeting.
    expect(stages.map(({ id, ms }) => [id, ms])).deep.equal([
      ['network', 200],
      ['student', 1280],
    ]);
    expect(rounds.map(({ ms }) => ms)).deep.equal([5, 390]);
    const wallMs = Date.parse(finishedAt) - Date.parse(startedAt);
    expect(stages.reduce((sum, { ms }) => sum + ms, 0)).at.most(wallMs);
    const begun = events.flatMap((event) => (event.kind === 'stage-started' ? event.stage : []));
    expect(begun).deep.equal(['student', 'network']);
  });
});
