/**
 * A million frames that are wrong, over every protocol, from a member with valid keys, against a peer in a process of its own
 * that carries out rounds with two others. `ANNULUS_FUZZ_FRAMES` and `ANNULUS_FUZZ_SEED` change how many and which.
 */
import { expect } from 'chai';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { simulatedMember } from '../../src/experiment/run/consortium.ts';
import { testMembers, until } from '../network/libp2p-cluster.ts';
import type { FuzzData, FuzzReport } from './fuzz-worker.ts';
import { consortiumOf, openPeer, type Honest } from './hostile-world.ts';
import { fuzzMembers, type VictimData, type VictimReport } from './victim-process.ts';

const frames = Number(process.env.ANNULUS_FUZZ_FRAMES ?? 1_000_000);
const seed = Number(process.env.ANNULUS_FUZZ_SEED ?? 1);
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Above what it had after its first rounds. A leak of 300 bytes for each of a million frames would be more. */
const growthBytesMax = 256 * 1024 * 1024;

describe(`a peer that is sent ${frames} wrong frames`, function () {
  this.timeout(9_000_000);
  let folder: string;
  let victim: ChildProcess;
  let fuzzer: Worker;
  const honest: Honest[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-fuzz-'));
  });
  after(async () => {
    await fuzzer.terminate();
    victim.kill();
    for (const { peer } of honest) await peer.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });

  it('throws nothing that is not caught, keeps its memory, and seals rounds all the while', async () => {
    const ports = (await testMembers(4)).map(({ port }) => port);
    const members = fuzzMembers(seed, ports);
    const keyed = members.map(({ id }) => simulatedMember(seed, id, []));
    const consortium = consortiumOf(keyed);
    for (const { id, keys } of keyed.slice(1, 3)) {
      const sealPrivate = keys.seal.privateKey;
      honest.push(
        await openPeer({ ...{ consortium, members, id, folder }, keys: { ...keys, sealPrivate } }),
      );
    }
    for (const { peer } of honest) await peer.start();

    victim = fork(new URL(`./victim-process.${extension}`, import.meta.url), {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    let complaint = '';
    victim.stderr?.on(
      'data',
      (data: Buffer) => (complaint = (complaint + String(data)).slice(-4_000)),
    );
    let code: number | null = null;
    victim.on('exit', (exit) => (code = exit ?? -1));
    let now: VictimReport = { sealed: 0, rssBytes: 0, heapBytes: 0 };
    victim.on('message', (report: VictimReport) => (now = report));
    victim.send({ ports, seed, folder } satisfies VictimData);
    await until(() => now.sealed >= 3, 'three rounds are sealed', 60_000);
    const calm = now;

    const workerData: FuzzData = { ports, seed, cid: consortium.cid };
    fuzzer = new Worker(new URL(`./fuzz-worker.${extension}`, import.meta.url), { workerData });
    let sent: FuzzReport = {};
    fuzzer.on('message', (report: FuzzReport) => (sent = report));
    const total = (): number => Object.values(sent).reduce((sum, one) => sum + one, 0);
    let peakBytes = 0;
    const begunMs = performance.now();
    await until(
      () => {
        peakBytes = Math.max(peakBytes, now.rssBytes);
        return code !== null || total() >= frames;
      },
      'all frames are sent',
      8_400_000,
    );
    const tookS = (performance.now() - begunMs) / 1000;
    const sealed = now.sealed - calm.sealed;
    const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
    process.stdout.write(
      `      ${total()} frames in ${tookS.toFixed(0)} s: ${JSON.stringify(sent)}\n` +
        `      memory ${mib(calm.rssBytes)} before, ${mib(peakBytes)} at most, ${mib(now.rssBytes)} after; ` +
        `heap ${mib(calm.heapBytes)}, then ${mib(now.heapBytes)}; ${sealed} rounds sealed meanwhile\n`,
    );
    expect(code, complaint).equal(null);
    expect(peakBytes - calm.rssBytes, 'growth').below(growthBytesMax);
    expect(sealed, 'rounds').greaterThan(2);
    const atEnd = now.sealed;
    await until(() => now.sealed > atEnd || code !== null, 'a round after it', 60_000);
    expect(code, complaint).equal(null);
  });
});
