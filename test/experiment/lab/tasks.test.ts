import { expect } from 'chai';
import { seededRandom } from '../../../src/base/index.ts';
import { logisticTask, solve } from '../../../src/experiment/lab/logistic-task.ts';
import { phantomTask } from '../../../src/experiment/lab/phantom-task.ts';
import { quadraticTask, QuadraticTask } from '../../../src/experiment/lab/quadratic-task.ts';
import { labDefaults } from '../../../src/experiment/lab/settings.ts';
import type { GradientTask, Vector } from '../../../src/experiment/lab/task.ts';

const task = { ...labDefaults.task, dimension: 1 };
const few = {
  ...labDefaults,
  nodes: 4,
  task: { ...labDefaults.task, samples: 200, features: 3, classes: 3 },
};

describe('quadratics', () => {
  it('have their least where the weighted mean of the centres is', () => {
    // f1 = ½·1·(x-0)², f2 = ½·3·(x-4)²: least of the mean at 12/4 = 3, and there (½·9 + ½·3)/2 = 3.
    const two = new QuadraticTask(
      { seed: 1, nodes: 2, task },
      Float64Array.of(1, 3),
      Float64Array.of(0, 4),
    );
    expect([...two.optimum]).deep.equal([3]);
    const mean = (x: number): number =>
      (two.localLoss(0, Float64Array.of(x)) + two.localLoss(1, Float64Array.of(x))) / 2;
    expect(mean(3)).equal(3);
    expect(two.error(Float64Array.of(3))).equal(0);
    // At 5: (12.5 + 1.5)/2 = 7, which is 4 more.
    expect(two.error(Float64Array.of(5))).equal(4);
  });

  it('have gradients that are the slopes of their losses', () => {
    const many = quadraticTask(labDefaults, new Float64Array(16).fill(1));
    expectSlopes(many, 5, labDefaults.task.dimension);
  });
});

describe('the logistic regression', () => {
  const many = logisticTask(few);

  it('has a best model that no step in any direction improves', () => {
    expect(many.error(many.optimum)).equal(0);
    for (let k = 0; k < many.dimension; k++) {
      for (const step of [-1e-3, 1e-3]) {
        const moved = many.optimum.slice();
        moved[k] = (moved[k] ?? 0) + step;
        // Curvature is at least the regularisation, 0.01: half of it times 1e-6.
        expect(many.error(moved)).greaterThan(0.49e-8);
      }
    }
  });

  it('begins at the loss of knowing nothing, ln 3 of three classes, on own data', () => {
    expect(many.localLoss(2, new Float64Array(many.dimension))).closeTo(Math.log(3), 1e-12);
  });

  it('has gradients of nodes whose mean is the slope of the whole', () => {
    const model = Float64Array.from({ length: many.dimension }, (_, k) => Math.sin(k));
    const sum = new Float64Array(many.dimension);
    for (let node = 0; node < 4; node++) many.gradient(node, model, seededRandom(1), sum);
    for (let k = 0; k < many.dimension; k++) {
      expect((sum[k] ?? 0) / 4).closeTo(
        slope((x) => many.error(x), model, k),
        1e-7,
      );
    }
  });

  it('answers better than chance at its best model', () => {
    // Three classes: chance is wrong on two thirds.
    expect(many.testError(many.optimum)).lessThan(0.45);
  });
});

describe('slices of phantoms', () => {
  const slices = phantomTask({
    ...labDefaults,
    nodes: 2,
    task: { ...labDefaults.task, kind: 'phantom', samples: 48 },
  });

  it('are told apart by a network that goes down its gradient', () => {
    const model = new Float64Array(slices.dimension);
    slices.start(0, model);
    const before = slices.error(model);
    for (let step = 0; step < 40; step++) {
      const sum = new Float64Array(slices.dimension);
      for (const node of [0, 1]) slices.gradient(node, model, seededRandom(step), sum);
      for (let k = 0; k < model.length; k++) model[k] = (model[k] ?? 0) - 0.05 * (sum[k] ?? 0);
    }
    expect(slices.error(model)).lessThan(0.8 * before);
    expect(slices.testError(model)).within(0, 1);
    expect([...slices.samples]).deep.equal([24, 24]);
  });
});

describe('solve', () => {
  it('solves a positive definite system of two', () => {
    // 4x + 2y = 10, 2x + 3y = 9: x = 1.5, y = 2.
    const x = solve(Float64Array.of(4, 2, 2, 3), Float64Array.of(10, 9));
    expect(x[0]).closeTo(1.5, 1e-15);
    expect(x[1]).closeTo(2, 1e-15);
  });
});

function expectSlopes(many: GradientTask, node: number, dimension: number): void {
  const model = Float64Array.from({ length: dimension }, (_, k) => Math.cos(k));
  const gradient = new Float64Array(dimension);
  many.gradient(node, model, seededRandom(1), gradient);
  for (let k = 0; k < dimension; k++) {
    expect(gradient[k]).closeTo(
      slope((x) => many.localLoss(node, x), model, k),
      1e-7,
    );
  }
}

/** Central difference along one axis. */
function slope(f: (x: Vector) => number, at: Vector, k: number): number {
  const step = 1e-5;
  const moved = (by: number): Vector => at.map((value, i) => (i === k ? value + by : value));
  return (f(moved(step)) - f(moved(-step))) / (2 * step);
}
