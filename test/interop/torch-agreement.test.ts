/** Our networks against the same in PyTorch, over many forms. The PyTorch ones agree with MONAI's and nnU-Net's oracles. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { expect } from 'chai';

import { openEngine, type Engine } from '../../src/compute/index.ts';
import { backends } from '../models/backends.ts';
import { projectRoot } from '../project-root.ts';
import { compareAnswers, ourAnswers, type Answers } from './our-answers.ts';
import { askTorch, python } from './torch.ts';
import { forwardCases, gradientCases } from './torch-cases.ts';

const cases = { ...gradientCases, ...forwardCases };

describe('load_student.py', function () {
  this.timeout(120_000);

  it("gives MONAI's and nnU-Net's own logits from their weights", () => {
    const script = join(projectRoot, 'test/interop/check_oracles.py');
    const oracles = join(projectRoot, '..', 'shared', 'oracles');
    const done = spawnSync(python, ['-B', script, join(projectRoot, 'python'), oracles], {
      encoding: 'utf8',
    });
    expect(done.status, `this test needs ${python} with python3-torch: ${done.stderr}`).equal(0);
    const differences = done.stdout.trim().split('\n').map(Number);
    expect(differences).length(5);
    expect(Math.max(...differences)).at.most(1e-5);
  });
});

describe('PyTorch', function () {
  this.timeout(300_000);
  const torch = new Map<string, Answers>();

  before(() => {
    const answers = askTorch(Object.values(cases));
    Object.keys(cases).forEach((name, index) => torch.set(name, answers[index]!));
  });

  // Plain JavaScript is held to the others elsewhere, and slow.
  for (const backend of backends.filter((name) => name !== 'cpu')) {
    describe(`beside ${backend}`, () => {
      let engine: Engine;
      before(async () => {
        engine = await openEngine({ backend });
      });
      after(() => {
        engine.close();
      });

      for (const [name, drawn] of Object.entries(gradientCases)) {
        it(`gives the outputs, the loss, every gradient and the loss after a step of ${name}`, async () => {
          compareAnswers(
            await ourAnswers(engine, drawn, { withGradients: true }),
            torch.get(name)!,
          );
        });
      }
      for (const [name, drawn] of Object.entries(forwardCases)) {
        it(`gives the outputs of ${name}`, async () => {
          const ours = await ourAnswers(engine, drawn, { withGradients: false });
          const evaluated = [...torch.get(name)!].filter(([answer]) => ours.has(answer));
          compareAnswers(ours, new Map(evaluated));
        });
      }
    });
  }
});
