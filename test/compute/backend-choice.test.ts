import { expect } from 'chai';
import * as core from '@tensorflow/tfjs';

import {
  ComputeError,
  listBackends,
  openEngine,
  type BackendReport,
} from '../../src/compute/index.ts';
import { chooseBackend, type Candidate } from '../../src/compute/backend-choice.ts';
import { opsSuite } from './ops/ops-suite.ts';

type Tf = typeof core;
// CommonJS: its names are on the default export.
const tf = (core as unknown as { default: Tf }).default;

/** What TensorFlow's packages do when they are loaded, with the pure-JS backend in the place of the library. */
function fakeTfjsNode(isUsingGpuDevice: boolean): object {
  if ((tf.findBackendFactory('tensorflow') as unknown) === null) {
    tf.registerBackend('tensorflow', tf.findBackendFactory('cpu'));
    tf.copyRegisteredKernels('cpu', 'tensorflow');
  }
  return {
    default: {
      version: { 'tfjs-node': '4.22.0' },
      findBackend: () => ({ isUsingGpuDevice }),
    },
  };
}

const nothingInstalled = (name: string): Promise<unknown> =>
  Promise.reject(
    Object.assign(new Error(`Cannot find package ${name}`), { code: 'ERR_MODULE_NOT_FOUND' }),
  );

const installed =
  (isUsingGpuDevice: boolean) =>
  (name: string): Promise<unknown> => {
    expect(name).match(/^@tensorflow\/tfjs-node(-gpu)?$/);
    return Promise.resolve(fakeTfjsNode(isUsingGpuDevice));
  };

async function refusalOf(open: Promise<unknown>): Promise<ComputeError> {
  try {
    await open;
  } catch (error) {
    if (error instanceof ComputeError) return error;
    throw error;
  }
  return expect.fail('refused');
}

function candidate(name: string, automatic: boolean, available: boolean): Candidate<string, null> {
  const probe = (): ReturnType<Candidate<string, null>['probe']> =>
    Promise.resolve({ available, detail: `${name} is ${available ? 'here' : 'absent'}` });
  return { name, title: name, automatic, howToGet: `install ${name}`, probe, open: null };
}

describe('choice of a backend', () => {
  const table = [
    ...[candidate('best', true, false), candidate('good', true, true)],
    ...[candidate('also', true, true), candidate('slow', false, true)],
  ];

  it('takes the first automatic one that is there for auto, and the one that is named', async () => {
    expect((await chooseBackend(table, 'auto')).name).equal('good');
    expect((await chooseBackend(table, 'also')).name).equal('also');
    expect((await chooseBackend(table, 'slow')).name).equal('slow');
  });

  it('says how to get a named one that is missing, and takes no other', async () => {
    const refusal = await refusalOf(chooseBackend(table, 'best'));
    expect(refusal.code).equal('backend_missing');
    expect(refusal.message).equal('no best backend: best is absent; to get it: install best');
  });

  it('never takes for auto what only works when asked for', async () => {
    const lastResort = [candidate('best', true, false), candidate('slow', false, true)];
    const refusal = await refusalOf(chooseBackend(lastResort, 'auto'));
    expect(refusal.facts).deep.include({ code: 'backend_missing', backend: 'best' });
  });

  it('leaves a processor that plays a graphics card to those who ask for it', async () => {
    const played = candidate('card', true, true);
    const probe = async (): ReturnType<typeof played.probe> => ({
      ...(await played.probe()),
      onlyIfForced: true,
    });
    const cards = [{ ...played, probe }, candidate('portable', true, true)];
    expect((await chooseBackend(cards, 'auto')).name).equal('portable');
    expect((await chooseBackend(cards, 'card')).name).equal('card');
  });

  it('names the choices to whoever asks for one that nobody knows', async () => {
    const refusal = await refusalOf(chooseBackend(table, 'fast'));
    expect(refusal.message).contain('choose among best, good, also, slow');
  });
});

describe('TensorFlow packages', () => {
  const rowOf = (reports: readonly BackendReport[], name: string): BackendReport =>
    reports.find((report) => report.name === name)!;

  it('are told to be missing, and how to get them', async () => {
    for (const [backend, name] of [
      ['cuda', '@tensorflow/tfjs-node-gpu'],
      ['tfjs-node', '@tensorflow/tfjs-node'],
    ] as const) {
      const refusal = await refusalOf(openEngine({ backend }, nothingInstalled));
      expect(refusal.message).contain(`${name} is not installed`).and.contain(`npm install`);
      const report = rowOf(await listBackends(nothingInstalled), backend);
      expect(report).deep.include({ available: false, detail: `${name} is not installed` });
    }
  });

  it('are told apart from ones whose library does not load', async () => {
    const broken = (): Promise<unknown> =>
      Promise.reject(new Error('The Node.js native addon module\n can not be found'));
    const refusal = await refusalOf(openEngine({ backend: 'cuda' }, broken));
    expect(refusal.message).contain('does not load: The Node.js native addon module can not be');
  });

  it('leave auto to our own kernels when they are absent or see no GPU, and refuse cuda without one', async () => {
    for (const importModule of [nothingInstalled, installed(false)]) {
      const engine = await openEngine({ backend: 'auto' }, importModule);
      expect(['native', 'wasm']).contain(engine.backend);
      engine.close();
    }
    const refusal = await refusalOf(openEngine({ backend: 'cuda' }, installed(false)));
    expect(refusal.message).contain('sees no NVIDIA GPU');
  });

  it('are what auto takes where a GPU is seen', async () => {
    const reports = await listBackends(installed(true));
    expect(reports.find(({ automatic, available }) => automatic && available)?.name).equal('cuda');
    const engine = await openEngine({ backend: 'auto' }, installed(true));
    expect([engine.backend, tf.getBackend()]).deep.equal(['cuda', 'tensorflow']);
    engine.close();
  });
});

// The way in, the reference operations and the way out; the real library under them where there is one.
opsSuite("TensorFlow's backend, a stand-in for its library", () =>
  openEngine({ backend: 'tfjs-node' }, installed(false)),
);

for (const { name } of (await listBackends()).filter(
  ({ name, available }) => available && (name === 'cuda' || name === 'tfjs-node'),
)) {
  opsSuite(`TensorFlow's library as ${name}`, () => openEngine({ backend: name }));
}
