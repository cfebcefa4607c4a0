import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { lockFolder, HostError } from '../../src/host/index.ts';

async function caught(work: Promise<unknown>): Promise<HostError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

describe('lockFolder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-lock-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('lets one in, and the next after its release', async () => {
    const lock = await lockFolder(folder);
    const error = await caught(lockFolder(folder));
    expect(error.facts).to.include({ code: 'folder_locked', pid: process.pid });
    await lock.release();
    await (await lockFolder(folder)).release();
  });

  it('respects another living process and takes over from a dead one', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(other, 'spawn');
    await writeFile(join(folder, '.lock'), `${other.pid!} \n`);
    expect((await caught(lockFolder(folder))).facts).to.include({ pid: other.pid! });
    other.kill('SIGKILL');
    await once(other, 'exit');
    const lock = await lockFolder(folder);
    expect(await readFile(join(folder, '.lock'), 'latin1')).to.match(/^\d+ /);
    await lock.release();
  });

  it('takes over from a process whose pid was given to another', async () => {
    // Only Linux tells when a process began.
    if (process.platform !== 'linux') return;
    await writeFile(join(folder, '.lock'), `${process.pid} another-boot/1\n`);
    await (await lockFolder(folder)).release();
  });

  it('takes over from a process that has ended, though nobody has asked how', async () => {
    if (process.platform !== 'linux') return;
    // The shell becomes a sleep before its child ends, and does not wait for it: the child stays in the table of processes.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60']);
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(text.toString());
    const stateOf = (): string =>
      /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '';
    while (stateOf() !== 'Z') await pause(5);
    await writeFile(join(folder, '.lock'), `${pid} \n`);
    await (await lockFolder(folder)).release();
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  it('takes over a lock whose bytes were lost', async () => {
    await writeFile(join(folder, '.lock'), '');
    await (await lockFolder(folder)).release();
  });

  it('lets one of many take over', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(join(folder, '.lock'), `${gone} \n`);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    const winners = results.filter(({ status }) => status === 'fulfilled');
    expect(winners).to.have.length(1);
  });

  it('respects a takeover in progress, not one left long ago', async () => {
    await writeFile(join(folder, '.lock'), '');
    await writeFile(join(folder, '.lock-takeover'), `${process.pid} \n`);
    expect((await caught(lockFolder(folder))).code).to.equal('folder_locked');
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(join(folder, '.lock-takeover'), longAgo, longAgo);
    await (await lockFolder(folder)).release();
  });
});
