import { expect } from 'chai';
import { fromUtf8, utf8 } from '../../../src/base/index.ts';
import { runDefaults, type StartDigests } from '../../../src/config/index.ts';
import { digestOf } from '../../../src/crypto/index.ts';
import { beginRun, readRunFile } from '../../../src/experiment/run/run-file.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

const code = digestOf(utf8('program'));
const run = { code, kills: [], settings: runDefaults, starts: {} as StartDigests };

describe('run file', () => {
  it('keeps when and as what a run was begun', async () => {
    const store = new MemoryStore();
    expect((await beginRun(store, run, 70)).startedAtMs).equal(70);
    const again = await beginRun(store, run, 900);
    expect(again.startedAtMs, 'begun once').equal(70);
    expect(readRunFile(await store.read('run.json'), 'x').settings).deep.equal(runDefaults);
  });

  it('refuses to go on with other settings, other models to begin from or another program', async () => {
    const store = new MemoryStore();
    await beginRun(store, run, 0);
    const refusal = async (changed: Partial<typeof run>): Promise<unknown> =>
      beginRun(store, { ...run, ...changed }, 0).then(
        () => null,
        (error: unknown) => (error as { code?: unknown }).code,
      );
    expect(await refusal({ settings: { ...runDefaults, seed: 2 } })).equal('other_settings');
    expect(await refusal({ starts: { student: code } })).equal('other_settings');
    expect(await refusal({ code: digestOf(utf8('next')) })).equal('other_program');
    expect(await refusal({})).equal(null);
  });

  it('refuses a run whose seed, setting, kill or beginning was edited, and says where', async () => {
    const store = new MemoryStore();
    await beginRun(store, run, 70);
    const text = fromUtf8((await store.read('run.json')) ?? new Uint8Array());
    expect(readRunFile(utf8(text), 'x').startedAtMs).equal(70);
    // Another spelling of the same is the same.
    expect(readRunFile(utf8(JSON.stringify(JSON.parse(text))), 'x').startedAtMs).equal(70);
    for (const [from, to] of [
      ['"seed": 1,', '"seed": 2,'],
      ['"tickMs": 1000', '"tickMs": 1001'],
      ['"startedAtMs": 70', '"startedAtMs": 71'],
      ['"kills": []', '"kills": [{"node":"L1","stage":"student","stageRound":1}]'],
    ] as const) {
      const edited = text.replace(from, to);
      expect(edited, from).not.equal(text);
      expect(() => readRunFile(utf8(edited), 'runs/x'), to).throws(
        /runs\/x\/run.json: .* was changed after the run was begun/,
      );
    }
  });

  it('refuses a folder that holds no run', () => {
    for (const text of [null, '', '{}', '[]', 'null', '{"format":"annulus-run/2"}']) {
      const bytes = text === null ? null : utf8(text);
      expect(() => readRunFile(bytes, 'runs/x'), String(text)).throws(
        /runs\/x: expected the folder/,
      );
    }
  });
});
