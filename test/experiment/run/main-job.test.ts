import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComputeError } from '../../../src/compute/index.ts';
import { computeDefaults, loadPreset, type RunSettings } from '../../../src/config/index.ts';
import type { OnProgress, RunRecord } from '../../../src/report/index.ts';
import { DistillError } from '../../../src/distill/index.ts';
import { packageFile } from '../../../src/host/index.ts';
import { runMainJob, type KillRequest } from '../../../src/experiment/index.ts';

const folders: string[] = [];

async function run(
  kills: readonly KillRequest[] = [],
  overrides: Partial<RunSettings> = {},
  { onProgress = () => undefined, into }: { onProgress?: OnProgress; into?: string } = {},
): Promise<{ record: RunRecord; folder: string }> {
  const file = packageFile('config/smoke.yaml');
  const settings: RunSettings = loadPreset(await readFile(file, 'utf8'), file, []);
  const folder = into ?? (await mkdtemp(join(tmpdir(), 'annulus-run-')));
  folders.push(folder);
  const { signal } = new AbortController();
  const ports = { id: 'test', outputFolder: folder, kills, signal };
  return {
    record: await runMainJob({ ...settings, ...overrides }, ports, onProgress),
    folder,
  };
}

describe('main job', function () {
  this.timeout(600_000);
  /** Models of the rounds of an undisturbed run. */
  let whole: (string | null)[] = [];

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
    const checker = packageFile('verify/verify_log.py');
    for (const node of ['L1', 'L4']) {
      const said = execFileSync(
        '/usr/bin/python3',
        [checker, join(first.folder, 'nodes', node, 'log')],
        { encoding: 'utf8' },
      );
      expect(said).to.contain(first.record.log.root);
    }
    // A student of a few steps has no idea of a patient, and the report says so under the real CT.
    const captions = first.record.slices
      .filter(({ title }) => title.startsWith('A real CT'))
      .map(({ caption }) => caption);
    expect(captions).to.have.length(2);
    for (const caption of captions) expect(caption).to.contain('the answer is implausible because');
    const second = await run();
    const models = (record: RunRecord): (string | null)[] =>
      record.rounds.map(({ modelDigest }) => modelDigest);
    expect(models(second.record)).to.deep.equal(models(first.record));
    whole = models(first.record);
    // A part is begun once, and all of them together are no longer than the run.
    const { stages, startedAt, finishedAt } = first.record;
    expect(new Set(stages.map(({ id }) => id)).size).to.equal(stages.length);
    for (const { id, ms } of stages) expect(ms, id).to.be.at.least(0);
    expect(stages.reduce((sum, { ms }) => sum + ms, 0)).to.be.at.most(
      Date.parse(finishedAt) - Date.parse(startedAt),
    );
  });

  it('pauses when a disk fails, and goes on to the models of the run that was never disturbed', async () => {
    const into = await mkdtemp(join(tmpdir(), 'annulus-run-'));
    const own = join(into, 'nodes', 'L3', 'own');
    // Where L3 would keep its second update there is no folder any more: as EIO, an error only for that one node.
    const onProgress: OnProgress = (event) => {
      if (event.kind !== 'round-sealed' || event.stage !== 'teacher-hps') return;
      renameSync(own, `${own}.away`);
      writeFileSync(own, 'no folder');
    };
    let refusal: unknown;
    await run([], {}, { onProgress, into }).catch((error: unknown) => (refusal = error));
    expect(refusal).to.have.property('code', 'paused');
    expect((refusal as Error).message)
      .to.contain(own)
      .and.contain(`--resume ${into}`);
    await rm(own);
    await rename(`${own}.away`, own);
    const { record } = await run([], {}, { into });
    expect(record.rounds.map(({ modelDigest }) => modelDigest)).to.deep.equal(whole);
    expect(record.rounds.flatMap(({ excluded }) => excluded)).to.deep.equal([]);
    for (const { id, ms } of record.stages) expect(ms, id).to.be.at.least(0);
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
