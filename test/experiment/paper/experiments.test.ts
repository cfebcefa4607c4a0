import { expect } from 'chai';
import { arms, experimentsOf } from '../../../src/experiment/paper/experiments.ts';
import { scoredAt } from '../../../src/experiment/paper/seed-work.ts';
import { planOf } from '../../../src/config/index.ts';
import { tinySettings } from './tiny-preset.ts';

describe('experiments', () => {
  const settings = tinySettings();
  const { single, distilled } = experimentsOf(settings);
  const all = [...single, ...distilled];

  it('are one model for each arm and task, and one more for each hospital that trains alone', () => {
    expect(arms.map(({ title }) => title)).deep.equal([
      ...['U-Net local', 'SwinUNETR local', 'Fed U-Net'],
      ...['Fed SwinUNETR', 'Fed KD U-Net', 'Fed KD SwinUNETR'],
    ]);
    // hps is labelled by L1 and L2, ms by L1, calc by L1 and L2.
    const alone = ['hps-L1', 'hps-L2', 'ms-L1', 'calc-L1', 'calc-L2'];
    const expected = ['hps', 'ms', 'calc', ...alone, 'all'];
    expect(all.map(({ id }) => id).sort()).deep.equal(
      expected.flatMap((end) => [`unet-${end}`, `swin-${end}`]).sort(),
    );
    expect(new Set(all.map(({ id }) => id)).size).equal(all.length);
  });

  it("take the teachers and the student from the plan, with the plan's numbers of rounds", () => {
    const { stages } = planOf(settings);
    const planned = all.filter(({ stage }) => stages.some(({ id }) => id === stage.id));
    for (const stage of stages) {
      const experiment = planned.find(
        (one) => one.stage.id === stage.id && one.arm.regime !== 'local',
      );
      expect(experiment?.stage, stage.id).deep.equal(stage);
    }
    // Two rounds for each of three teachers, then the student's.
    const firsts = ['unet-hps', 'unet-ms', 'unet-calc', 'swin-all'].map(
      (id) => all.find((experiment) => experiment.id === id)?.firstRound,
    );
    expect(firsts).deep.equal([1, 3, 5, 7]);
  });

  it('give a lone hospital the steps, the rate and the first weights of its federation', () => {
    for (const experiment of single.filter(({ arm }) => arm.regime === 'local')) {
      const [network = '', task = ''] = experiment.id.split('-');
      const together = single.find(({ id }) => id === `${network}-${task}`);
      const { participants, ...alone } = experiment.stage;
      expect(participants.length, experiment.id).equal(1);
      const { participants: many, ...federated } = together!.stage;
      expect(alone, experiment.id).deep.equal(federated);
      expect(many, experiment.id).contain(participants[0]);
    }
  });

  it('have one head for a task, all heads when distilled', () => {
    const headsOf = (id: string): string[] => {
      const model = all.find((experiment) => experiment.id === id)?.stage.model;
      return Object.keys((model as { heads: object }).heads);
    };
    expect(headsOf('swin-ms')).deep.equal(['ms']);
    expect(headsOf('unet-all')).deep.equal(['calc', 'hps', 'ms']);
    expect(headsOf('swin-all')).deep.equal(['calc', 'hps', 'ms']);
  });

  it('all see the heart, or the distilled ones have a head for it, as the settings say', () => {
    const modelsWith = (heart: string): Map<string, { inChannels: number; heads: object }> => {
      const told = tinySettings([{ key: 'training.heart', text: heart, source: 'test' }]);
      const experiments = experimentsOf(told);
      return new Map(
        [...experiments.single, ...experiments.distilled].map(({ id, stage }) => [
          id,
          stage.model as unknown as { inChannels: number; heads: object },
        ]),
      );
    };
    const conditioned = [...modelsWith('condition').values()];
    expect(new Set(conditioned.map(({ inChannels }) => inChannels))).deep.equal(new Set([2]));
    const taught = [...modelsWith('head')].filter(([, { heads }]) => 'heart' in heads);
    expect(taught.map(([id]) => id).sort()).deep.equal(['swin-all', 'unet-all']);
  });

  it('are scored everywhere, but alone only at home and where nobody labelled the task', () => {
    const placesOf = (id: string): string[] =>
      scoredAt(
        settings,
        all.find((experiment) => experiment.id === id)!,
      );
    expect(placesOf('unet-hps')).deep.equal(['L1', 'L2', 'L3']);
    expect(placesOf('swin-all')).deep.equal(['L1', 'L2', 'L3']);
    expect(placesOf('unet-hps-L1')).deep.equal(['L1', 'L3']);
    expect(placesOf('swin-ms-L1')).deep.equal(['L1', 'L2', 'L3']);
  });
});
