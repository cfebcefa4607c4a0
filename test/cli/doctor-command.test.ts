import { expect } from 'chai';
import type { Diagnosis, ExaminedBackend } from '../../src/node/index.ts';
import { doctorCommand } from '../../src/cli/doctor-command.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';

interface Told {
  readonly code: number;
  readonly out: string;
}

function worldOf(out: (text: string) => void): World {
  return {
    ...{
      out,
      err: () => undefined,
      erase: () => undefined,
      isLive: false,
      columns: 100,
      nowMs: () => performance.now(),
    },
    ...{ dateMs: () => 0, env: {}, terminal: null },
    signal: new AbortController().signal,
    mainJob: () => Promise.reject(new Error('not asked')),
    reproduce: () => Promise.reject(new Error('not asked')),
    predict: () => Promise.reject(new Error('not asked')),
  };
}

async function run(...args: string[]): Promise<Told> {
  let out = '';
  const code = await runCommandLine(
    args,
    worldOf((text) => (out += text)),
  );
  return { code, out };
}

const speed = { convGflops: 71.24, stepMs: 33.4, loss: 1.5, threads: 2 };
const missing: ExaminedBackend = {
  ...{ name: 'cuda', title: 'a card', automatic: true, howToGet: 'buy one', available: false },
  ...{ detail: 'no card', speed: null, failure: null },
};
const there: ExaminedBackend = {
  ...{ name: 'wasm', title: 'a processor', automatic: true, howToGet: 'build', available: true },
  ...{ detail: 'SIMD', speed, failure: null },
};
const machine: Diagnosis = {
  machine: {
    ...{ processor: 'Abacus', features: ['avx2'], processorCount: 2, memoryBytes: 8 * 2 ** 30 },
    ...{ platform: 'linux x64', node: '22.12.0' },
  },
  ...{ memoryFreeBytes: 2 ** 32, folder: '/data', diskFreeBytes: 2 ** 34, openFilesMax: 1024 },
  tools: { compiler: null, kernels: [{ file: 'kernels.wasm', bytes: 2048 }] },
  ...{ backends: [missing, there], chosen: 'wasm', warnings: ['the disk is nearly full'] },
};

async function tell(diagnosis: Diagnosis, format = 'text'): Promise<Told> {
  let out = '';
  const world = worldOf((text) => (out += text));
  const code = await doctorCommand({ format }, world, () => Promise.resolve(diagnosis));
  return { code, out };
}

describe('annulus doctor', () => {
  it('examines this machine without the speed test, as one JSON document', async () => {
    const { code, out } = await run('doctor', '--quick', '--format', 'json');
    const diagnosis = JSON.parse(out) as Diagnosis;
    const usable = diagnosis.backends.filter(({ automatic, available }) => automatic && available);
    expect([code, diagnosis.chosen]).deep.equal([0, usable[0]!.name]);
    expect(usable.map(({ name }) => name)).contain('wasm');
    expect(diagnosis.backends.every(({ speed: tested }) => tested === null)).equal(true);
    expect(diagnosis.tools.kernels.map(({ file }) => file)).contain('kernels.wasm');
    expect(diagnosis.machine.node).equal(process.versions.node);
    expect(diagnosis.diskFreeBytes).greaterThan(0);
  });

  it('tells a person what is there, what is missing, how to get it, and what it would take', async () => {
    const { code, out } = await tell(machine);
    expect(code).equal(0);
    for (const line of [
      /^ {2}processor +Abacus, 2 cores, avx2$/m,
      /^ {2}disk +16 GiB free in \/data$/m,
      /^ {2}cuda +missing: a card \(no card\)\n +to get it: buy one$/m,
      /^ {2}wasm +there: a processor \(SIMD\)$/m,
      /^ {2}compiler +no C\+\+ compiler; optional/m,
      /^ {2}wasm +71\.2 GFLOP\/s +33 ms +on 2 threads$/m,
      /^Warning: the disk is nearly full\.$/m,
      /^Ready: training runs on wasm/m,
    ]) {
      expect(out).match(line);
    }
  });

  it('ends with 3 when nothing can train, and when what auto would take fails', async () => {
    const bare = await tell({ ...machine, backends: [missing], chosen: null });
    expect(bare.code).equal(3);
    expect(bare.out).contain('Not ready: nothing here can train');
    const broken = { ...there, speed: null, failure: 'the driver is too old' };
    const failing = await tell({ ...machine, backends: [missing, broken], chosen: null });
    expect(failing.code).equal(3);
    expect(failing.out)
      .match(/wasm +FAILS: a processor \(SIMD\)\n +the driver is too old/)
      .and.contain('Not ready: wasm is there and fails');
  });

  it('gives scripts the same facts', async () => {
    expect(JSON.parse((await tell(machine, 'json')).out)).deep.equal(machine);
  });

  it('refuses a flag that there is not', async () => {
    expect((await run('doctor', '--fast')).code).equal(2);
  });
});
