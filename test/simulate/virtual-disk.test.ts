import { expect } from 'chai';
import { fromUtf8, seededRandom, utf8 } from '../../src/base/index.ts';
import { Process } from '../../src/simulate/process.ts';
import { virtualClock, type VirtualClock } from '../../src/simulate/virtual-clock.ts';
import { VirtualDisk, type DiskFaults } from '../../src/simulate/virtual-disk.ts';

describe('VirtualDisk', () => {
  let clock: VirtualClock;
  let disk: VirtualDisk;
  let program: Process;

  function setUp(faults: Partial<DiskFaults>, seed = 1): ReturnType<VirtualDisk['open']> {
    clock = virtualClock();
    disk = new VirtualDisk(clock, seededRandom(seed));
    disk.setFaults(faults);
    program = new Process();
    return disk.open(program);
  }
  const held = (name: string): string | null => {
    const bytes = disk.files.get(name);
    return bytes === undefined ? null : fromUtf8(bytes);
  };
  const codeOf = async (work: Promise<void>): Promise<string> => {
    const settled = work.then(
      () => 'done',
      (error: unknown) => (error as { code: string }).code,
    );
    await clock.advance(1_000);
    return settled;
  };

  it('has a write when it resolves, and not before', async () => {
    const store = setUp({ writeMs: 10 });
    let isDone = false;
    void store.write('a', utf8('one')).then(() => (isDone = true));
    await clock.advance(9);
    expect([isDone, held('a')]).to.deep.equal([false, null]);
    await clock.advance(2);
    expect([isDone, held('a')]).to.deep.equal([true, 'one']);
  });

  it('keeps in a crash what was done, and of an append under way some beginning', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const store = setUp({ writeMs: 10 }, seed);
      void store.append('a', utf8('one'));
      await clock.advance(11);
      void store.append('a', utf8('two'));
      void store.append('a', utf8('three'));
      await clock.advance(1);
      program.kill();
      disk.crash();
      const text = held('a')!;
      expect('onetwothree'.startsWith(text) && text.length >= 3, text).to.equal(true);
      left.add(text);
      await clock.advance(100);
      expect(held('a'), 'nothing comes later').to.equal(text);
    }
    // Nothing more, a part of a record, and all: each is seen.
    expect(left.has('one') && left.has('onet') && left.has('onetwothree')).to.equal(true);
  });

  it('loses in a crash some of the parts that were not synced, and none that were', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const store = setUp({}, seed);
      await store.writePart('a', 0, utf8('one'));
      await store.sync('a');
      await store.writePart('a', 5, utf8('two'));
      await store.writePart('a', 2, utf8('E'));
      expect(held('a')).to.equal('onE\0\0two');
      expect(fromUtf8(disk.durable('a')!)).to.equal('one');
      disk.crash();
      left.add(held('a')!);
    }
    expect([...left].sort()).to.deep.equal(['onE', 'onE\0\0two', 'one', 'one\0\0two']);
  });

  it('leaves of a replaced value the old one or the new one', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const store = setUp({ writeMs: 10 }, seed);
      void store.write('a', utf8('old'));
      await clock.advance(11);
      void store.write('a', utf8('new'));
      program.kill();
      disk.crash();
      left.add(held('a')!);
    }
    expect([...left].sort()).to.deep.equal(['new', 'old']);
  });

  it('refuses what does not fit, and everything once it is broken', async () => {
    const full = setUp({ writeMs: 1, bytesMax: 5 });
    expect(await codeOf(full.write('a', utf8('1234')))).to.equal('done');
    expect(await codeOf(full.write('b', utf8('12')))).to.equal('disk_full');
    const breaking = setUp({ writeMs: 1, writesLeft: 1 });
    expect(await codeOf(breaking.write('a', utf8('1')))).to.equal('done');
    expect(await codeOf(breaking.write('b', utf8('1')))).to.equal('disk_failed');
  });

  it('that lies shows what it will lose', async () => {
    const store = setUp({ writeMs: 10, lies: true });
    await store.write('a', utf8('one'));
    expect([held('a'), disk.durable('a')]).to.deep.equal(['one', null]);
    disk.crash();
    expect(held('a')).to.equal(null);
  });
});
