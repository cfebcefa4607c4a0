import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComputeError } from '../../src/compute/index.ts';
import { computeDefaults, loadPreset, type RunSettings } from '../../src/config/index.ts';
import type { RunRecord } from '../../src/dashboard/index.ts';
import { DistillError } from '../../src/distill/index.ts';
import { packageFile } from '../../src/node/index.ts';
import { runMainJob, type KillRequest } from '../../src/simulate/index.ts';

const folders: string[] = [];

async function run(
  kills: readonly KillRequest[] = [],
  overrides: Partial<RunSettings> = {},
): Promise<{ record: RunRecord; folder: string }> {
  const file = packageFile('config/smoke.yaml');
  const settings: RunSettings = loadPreset(await readFile(file, 'utf8'), file, []);
  const folder = await mkdtemp(join(tmpdir(), 'annulus-run-'));
  folders.push(folder);
  const { signal } = new AbortController();
  const ports = { id: 'test', outputFolder: folder, kills, signal };
  return {
    record: await runMainJob({ ...settings, ...overrides }, ports, () => undefined),
    folder,
  };
}

describe('main job', function () {
  this.timeout(600_000);

  after(async () => {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  });

  it('gives every node one student, a verified log, and the same digest for the same seed', async () => {
    const first = await run();
    expect(first.record.sealedDigest).to.match(/^[0-9a-f]{64}$/);
    expect(first.record.nodes.map(({ modelDigest }) => modelDigest)).to.deep.equal(
      Array(4).fill(first.record.sealedDigest),
    );
    expect(first.record.log.findings).to.deep.equal([]);
    expect(first.record.log).to.include({ ok: true, nodesVerified: 4 });
    // Another language re-derives the root.
    const checker = packageFile('test/interop/verify_log.py');
    for (const node of ['L1', 'L4']) {
      const said = execFileSync(
        '/usr/bin/python3',
        [checker, join(first.folder, 'nodes', node, 'log')],
        { encoding: 'utf8' },
      );
      expect(said).to.contain(first.record.log.root);
    }
    const second = await run();
    const models = (record: RunRecord): (string | null)[] =>
      record.rounds.map(({ modelDigest }) => modelDigest);
    expect(models(second.record)).to.deep.equal(models(first.record));
  });

  for (const [title, asked, code] of [
    ['a backend that is not there', { backend: 'abacus' }, 'backend_missing'],
    ['bf16 on a backend without it', { backend: 'wasm', precision: 'bf16' }, 'native_only'],
  ] as const) {
    it(`refuses ${title} before it writes anything`, async () => {
      let refusal: unknown;
      const compute = { ...computeDefaults, workers: 1, ...asked };
      await run([], { compute }).catch((error: unknown) => (refusal = error));
      expect(refusal).instanceOf(ComputeError).and.have.property('code', code);
      expect(await readdir(folders.at(-1) ?? '')).to.deep.equal([]);
    });
  }

  it('begins a stage from an earlier model, which the plan names and every node holds', async () => {
    const file = packageFile('config/smoke.yaml');
    const { training, models } = loadPreset(await readFile(file, 'utf8'), file, []);
    // The run's folder, which holds the model's.
    const earlier = folders[0] ?? '';
    const { digest } = JSON.parse(await readFile(join(earlier, 'model', 'model.json'), 'utf8')) as {
      digest: string;
    };
    const from = { ...training, student: { ...training.student, start: earlier, rounds: 1 } };
    const { record, folder } = await run([], { training: from });
    expect(record.log).to.include({ ok: true, nodesVerified: 4 });
    for (const { id, modelDigest } of record.nodes) {
      expect(modelDigest, id).to.equal(record.sealedDigest);
      const node = join(folder, 'nodes', id);
      expect(await readdir(join(node, 'start')), id).to.deep.equal([digest]);
      const manifest = JSON.parse(await readFile(join(node, 'log', 'manifest.json'), 'utf8')) as {
        payload: string;
      };
      const text = Buffer.from(manifest.payload, 'base64').toString();
      expect(text.split(`"start":"${digest}"`), id).to.have.length(2);
    }

    const wider = { ...models, student: { ...models.student, featureSize: 12 } };
    let refusal: unknown;
    await run([], { training: from, models: wider }).catch((error: unknown) => {
      refusal = error;
    });
    expect(refusal).instanceOf(DistillError);
    expect((refusal as DistillError).message)
      .to.contain('training.student.start')
      .and.contain('featureSize must be 6');
    expect(await readdir(folders.at(-1) ?? '')).to.deep.equal([]);
  });

  it('goes on without a peer killed in a round; the peer comes back to the same model', async () => {
    const { record } = await run([{ node: 'L3', stage: 'student', stageRound: 1 }]);
    const round = record.rounds.find(
      ({ stage, stageRound }) => stage === 'student' && stageRound === 1,
    );
    expect(round?.excluded.map(({ node }) => node)).to.deep.equal(['L3']);
    expect(record.faults.map(({ kind }) => kind)).to.include.members([
      'killed',
      'excluded',
      'restarted',
      'caught-up',
    ]);
    expect(new Set(record.nodes.map(({ modelDigest }) => modelDigest))).to.deep.equal(
      new Set([record.sealedDigest]),
    );
    expect(record.log).to.include({ ok: true, nodesVerified: 4 });
  });
});
