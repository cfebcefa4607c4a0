/** `annulus audit serve` and `annulus audit witness`, which run until Ctrl-C, and who asks them over loopback. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fromUtf8 } from '../../src/base/index.ts';
import {
  outsideNoteName,
  outsideWitnesses,
  postBytes,
  WitnessClient,
  witnessDefaults,
} from '../../src/auditor/index.ts';
import { systemClock } from '../../src/host/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { writeToyRun } from '../peer/toy-run.ts';
import { runTyped, type Told } from './typed.ts';

interface Running {
  /** What it said when it was ready. */
  readonly said: string;
  /** As Ctrl-C. */
  readonly end: () => Promise<Told>;
}

/** Commands that go on: a test that fails ends them too. */
const open = new Set<AbortController>();

/** Types a command that goes on, and waits until it says how to end it. */
async function begun(...args: readonly string[]): Promise<Running> {
  const stop = new AbortController();
  open.add(stop);
  let said = '';
  let onReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  const out = (text: string): void => {
    said += text;
    if (said.includes('Ctrl-C ends it')) onReady();
  };
  const told = runTyped(['audit', ...args], { out, signal: stop.signal });
  await Promise.race([
    ready,
    told.then(({ err }) => {
      throw new Error(`it ended: ${err}`);
    }),
  ]);
  return {
    said,
    end: () => {
      stop.abort();
      return told;
    },
  };
}

describe('a log and a witness that are served', () => {
  const top = mkdtempSync(join(tmpdir(), 'annulus-serving-'));
  const run = join(top, 'run');
  const log = join(run, 'nodes/L1/log');
  const witness = (...args: readonly string[]): string[] => [
    ...['witness', join(top, 'witness'), '--policy', join(log, 'policy'), ...args],
  ];
  const name = ['--name', 'regulator.example/annulus'];

  before(async () => {
    await writeToyRun(run);
  });

  afterEach(() => {
    for (const stop of open) stop.abort();
    open.clear();
  });
  after(() => {
    rmSync(top, { recursive: true });
  });

  it('gives an auditor elsewhere the log, and no update', async () => {
    const { said, end } = await begun('serve', run, '--port', '0');
    const [url = ''] = said.split(' ');
    expect(said).contain('serves the log of L1, 31 entries').and.contain('no updates, no models');
    const told = await runTyped(['audit', 'verify', url]);
    expect([told.code, told.err]).deep.equal([0, '']);
    expect(told.out).contain('VERIFIED');
    const replay = await runTyped(['audit', 'replay', url, '1', '--home', join(top, 'nowhere')]);
    expect(replay.code).equal(2);
    const { status } = await fetch(`${url}blobs/${'0'.repeat(64)}`);
    expect(status).equal(404);
    expect((await end()).code).equal(0);
    const gone = await runTyped(['audit', 'verify', url]);
    expect(gone.code).not.equal(0);
    expect(gone.err).contain(url);
  });

  it('has a witness cosign its head, under one key after a restart too', async () => {
    const first = await begun(...witness(...name, '--port', '0'));
    const line = /ask: \["(.*?)"\]/.exec(first.said)?.[1] ?? '';
    const store = new MemoryStore();
    const read = (file: string): Promise<Uint8Array | null> =>
      Promise.resolve(new Uint8Array(readFileSync(join(log, file))));
    const asked = outsideWitnesses({ ...witnessDefaults, ask: [line] });
    const client = new WitnessClient(asked, {
      ...{ log: { read }, store, post: postBytes, clock: systemClock() },
    });
    const [state] = await client.submit();
    expect(state).deep.include({ problem: null });
    expect(state?.size).greaterThan(0);
    const note = fromUtf8((await store.read(outsideNoteName(asked[0]!.key)))!);
    expect(note).contain('— regulator.example/annulus ');
    expect((await first.end()).code).equal(0);
    const again = await begun(...witness(...name, '--port', '0'));
    const key = (said: string): string => / (regulator\S+?)"\]/.exec(said)?.[1] ?? 'none';
    expect(key(again.said)).equal(key(first.said));
    await again.end();
  });

  for (const [args, words] of [
    [['serve', run, '--port', '65536'], '--port: expected a number from 0 to 65535, got 65536'],
    [['serve', top], "expected a log, a node's folder or a run's folder, found none"],
    [witness('--name', 'a b'), '--name: expected a domain and a path'],
    [witness(...name, '--port', 'x'), '--port: expected a number from 0 to 65535, got x'],
    [['witness', join(top, 'w2'), ...name], "required option '--policy <file...>'"],
    [['witness', join(top, 'w2'), '--policy', join(top, 'none'), ...name], join(top, 'none')],
    [['witness', join(top, 'w2'), '--policy', join(log, 'manifest.json'), ...name], 'policy'],
  ] as const) {
    it(`refuses ${args[0]} that cannot work: ${words.replace(top, '…')}`, async () => {
      const { code, err } = await runTyped(['audit', ...args]);
      expect(code).equal(2);
      expect(err).contain(words);
    });
  }
});
