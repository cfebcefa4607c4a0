/** Reproductions for real, in small: the same models as a consortium, and the same numbers after any end. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { ReproductionRecord } from '../../../src/report/index.ts';
import { lockFolder } from '../../../src/host/index.ts';
import {
  reproduce,
  ReproduceError,
  type ReproduceProgress,
  runMainJob,
} from '../../../src/experiment/index.ts';
import { tinyPreset, tinySettings } from './tiny-preset.ts';

const folders: string[] = [];
const seeds = [1];
const { signal } = new AbortController();
const silent = (): void => undefined;

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'annulus-reproduce-'));
  folders.push(folder);
  return folder;
}

async function refusal(run: Promise<unknown>): Promise<ReproduceError> {
  const error: unknown = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).instanceOf(ReproduceError);
  return error as ReproduceError;
}

describe('a reproduction', function () {
  this.timeout(600_000);

  after(async () => {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  });

  it('trains the teachers and the student that a consortium seals', async () => {
    const settings = tinySettings();
    const job = { id: 'test', outputFolder: await emptyFolder(), kills: [], signal };
    const { rounds } = await runMainJob(settings, job, silent);
    const lastOf = (stage: string): string | null =>
      rounds.filter((round) => round.stage === stage).at(-1)?.modelDigest ?? 'none';

    const ports = { outputFolder: await emptyFolder(), seeds: [settings.seed], signal };
    const { models } = await reproduce(settings, ports, silent);
    const digestOf = (id: string): string | null | undefined =>
      models.find((model) => model.id === id)?.digest;
    for (const task of ['hps', 'ms', 'calc']) {
      expect(digestOf(`unet-${task}`), task).equal(lastOf(`teacher-${task}`));
    }
    expect(digestOf('swin-all')).equal(lastOf('student'));
  });

  it('gives the same bytes when it was killed twice on the way, and does nothing twice', async () => {
    const preset = join(await emptyFolder(), 'tiny.yaml');
    await writeFile(preset, tinyPreset);
    const [whole, broken] = [await emptyFolder(), await emptyFolder()];
    await command(preset, whole, null);
    await command(preset, broken, 'Fed U-Net of calc');
    const first = join(broken, 'seed-1', 'experiments', 'unet-hps');
    const { mtimeMs } = await stat(first);
    await command(preset, broken, 'Fed KD');
    await command(preset, broken, null);
    expect((await stat(first)).mtimeMs).equal(mtimeMs);
    for (const name of ['results.json', 'table.txt', 'report.html']) {
      const [one, other] = await Promise.all(
        [whole, broken].map((folder) => readFile(join(folder, name), 'utf8')),
      );
      expect(other === one, name).equal(true);
    }
  });

  it('takes further seeds into its folder, and refuses other settings by name', async () => {
    const outputFolder = await emptyFolder();
    const settings = tinySettings();
    const one = await reproduce(settings, { outputFolder, seeds, signal }, silent);
    const told: ReproduceProgress[] = [];
    const both = await reproduce(settings, { outputFolder, seeds: [1, 2], signal }, (progress) =>
      told.push(progress),
    );
    const ofFirst = ({ models }: ReproductionRecord): unknown =>
      models.filter(({ seed }) => seed === 1);
    expect(ofFirst(both)).deep.equal(ofFirst(one));
    // Half of the work was there, the other half was done, and no more.
    const { total, done, found } = told.at(-1)!;
    expect([done / total, found / total].map((share) => share.toFixed(6))).deep.equal([
      '1.000000',
      '0.500000',
    ]);
    const other = tinySettings([{ key: 'training.clamp', text: '2', source: '--set' }]);
    const error = await refusal(reproduce(other, { outputFolder, seeds, signal }, silent));
    expect(error.message).contain('training.clamp was 1, now 2');
  });

  it('leaves a folder alone that another process works in', async () => {
    const outputFolder = await emptyFolder();
    const lock = await lockFolder(outputFolder);
    const ports = { outputFolder, seeds, signal };
    const error = await refusal(reproduce(tinySettings(), ports, silent));
    expect(error.facts).include({ code: 'folder_locked', pid: process.pid });
    await lock.release();
  });

  it('stops when asked, and says how to go on', async () => {
    const stop = new AbortController();
    const ports = { outputFolder: await emptyFolder(), seeds, signal: stop.signal };
    const error = await refusal(
      reproduce(tinySettings(), ports, ({ done }) => {
        if (done > 0) stop.abort();
      }),
    );
    expect(error.code).equal('cancelled');
    expect(error.message).contain('continues where it stopped');
  });

  it('compares a U-Net with a SwinUNETR and nothing else, from drawn weights', async () => {
    const settings = tinySettings();
    const { teacher } = settings.models;
    const twins = { ...settings, models: { teacher, student: teacher } };
    const ports = { outputFolder: await emptyFolder(), seeds, signal };
    expect((await refusal(reproduce(twins, ports, silent))).code).equal('wrong_networks');
    const student = { ...settings.training.student, start: 'earlier' };
    const started = { ...settings, training: { ...settings.training, student } };
    expect((await refusal(reproduce(started, ports, silent))).message).contain('start empty');
  });
});

/** The command in a process of its own, to its end or until it says `killAt`: then it is killed, not asked. */
async function command(preset: string, folder: string, killAt: string | null): Promise<void> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`../../../src/cli/main.${ending}`, import.meta.url));
  const args = ['--no-warnings', main, 'reproduce', preset, '--seeds', '1', '--out', folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
    if (killAt !== null && said.includes(killAt)) child.kill('SIGKILL');
  });
  const how = await new Promise<number | string | null>((resolve) => {
    child.on('close', (code, signalName) => {
      resolve(signalName ?? code);
    });
  });
  expect(how, said).equal(killAt === null ? 0 : 'SIGKILL');
}
