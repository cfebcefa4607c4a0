import { expect } from 'chai';
import { utf8 } from '../../../src/base/index.ts';
import { HostError } from '../../../src/host/index.ts';
import { pausedBy } from '../../../src/experiment/run/machine-watch.ts';
import { watched, watchedStore } from '../../../src/node/watched-port.ts';
import { MemoryStore } from '../../audit/memory-store.ts';

/** A disk that is full from the `count`-th write on. */
class FullStore extends MemoryStore {
  #left: number;

  constructor(count: number) {
    super();
    this.#left = count;
  }

  override write(name: string, bytes: Uint8Array): Promise<void> {
    this.#left -= 1;
    if (this.#left >= 0) return super.write(name, bytes);
    return Promise.reject(new HostError({ code: 'disk_full', path: `/run/${name}` }));
  }
}

describe('machine watch', () => {
  it('hears of a full disk before the one who wrote, and lets all else through', async () => {
    const heard: string[] = [];
    const store = watched(new FullStore(2), ({ code }) => heard.push(`watch ${code}`));
    await store.write('a', utf8('1'));
    await store.write('b', utf8('2'));
    expect(await store.read('b')).deep.equal(utf8('2'));
    await store.write('c', utf8('3')).catch(() => heard.push('caller'));
    expect(heard).deep.equal(['watch disk_full', 'caller']);
  });

  it('hears of a disk that fills up under a value under way', async () => {
    const heard: string[] = [];
    const disk = new FullStore(0);
    const store = watchedStore(disk, ({ code }) => heard.push(`watch ${code}`));
    const writer = await store.create('a');
    await writer.write(utf8('1'));
    await writer.commit().catch(() => heard.push('caller'));
    expect(heard).deep.equal(['watch disk_full', 'caller']);
    expect(await store.list('')).deep.equal([]);
  });

  it('calls a fault of the machine what it is, wherever it came from', () => {
    const inner = Object.assign(new Error('EMFILE: too many open files'), {
      code: 'EMFILE',
      path: '/run/nodes/L3/own/2.env',
    });
    const error = pausedBy(new Error('L3 had to stop', { cause: inner }), '/run') as Error;
    expect(error).property('code', 'paused');
    expect(error.message)
      .contain('no more files may be opened (/run/nodes/L3/own/2.env)')
      .and.contain('ulimit -n')
      .and.contain('annulus simulate --resume /run');
    const other = new Error('diverged');
    expect(pausedBy(other, '/run')).equal(other);
    const refusal = new HostError({ code: 'folder_locked', path: '/run', pid: 1 });
    expect(pausedBy(refusal, '/run')).equal(refusal);
  });
});
