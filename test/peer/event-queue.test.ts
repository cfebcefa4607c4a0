import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { EventQueue } from '../../src/peer/event-queue.ts';

const [a, b] = ['L1', 'L2'] as [NodeId, NodeId];

describe('event queue', () => {
  it('runs one task at a time, in the order they came', async () => {
    const { queue, ran } = queueOf(false);
    queue.post(async () => {
      await Promise.resolve();
      ran.push(1);
    });
    queue.offer(a, 10, () => void ran.push(2));
    queue.post(() => void ran.push(3));
    await queue.idle();
    expect(ran).to.deep.equal([1, 2, 3]);
  });

  it('drops a member’s messages beyond 256, says so once, and leaves room to all others', async () => {
    const { queue, ran, full, release } = queueOf();
    const taken = Array.from({ length: 1000 }, (_, i) => queue.offer(a, 1, () => void ran.push(i)));
    expect(taken.filter(Boolean)).to.have.length(256);
    expect(full).to.deep.equal(['L1']);
    expect(queue.offer(b, 1, () => void ran.push(-1))).to.equal(true);
    let isPosted = false;
    queue.post(() => {
      isPosted = true;
    });
    release();
    await queue.idle();
    expect(ran).to.have.length(257);
    expect(isPosted).to.equal(true);
    expect(
      queue.offer(a, 1, () => undefined),
      'its room is free again',
    ).to.equal(true);
  });

  it('drops a member’s messages beyond 1 MiB in all', async () => {
    const { queue, full, release } = queueOf();
    // 16 of the largest are 16 · 65536 = 1048576 bytes.
    const taken = Array.from({ length: 17 }, () => queue.offer(a, 65_536, () => undefined));
    expect(taken.lastIndexOf(true)).to.equal(15);
    expect(full).to.deep.equal(['L1']);
    release();
    await queue.idle();
    expect(queue.offer(a, 65_536, () => undefined)).to.equal(true);
  });

  it('runs nothing after a task that threw, and tells of it once', async () => {
    const { queue, ran, failures } = queueOf(false);
    queue.post(() => {
      throw new Error('the disk is full');
    });
    queue.post(() => void ran.push(1));
    await queue.idle();
    expect(ran).to.deep.equal([]);
    expect(failures.map(String)).to.deep.equal(['Error: the disk is full']);
  });
});

/** A queue whose first task lasts until `release`. */
function queueOf(isHeld = true): {
  queue: EventQueue;
  ran: number[];
  full: NodeId[];
  failures: unknown[];
  release: () => void;
} {
  const [full, failures, ran]: [NodeId[], unknown[], number[]] = [[], [], []];
  const queue = new EventQueue({
    failure: (error) => failures.push(error),
    full: (member) => full.push(member),
  });
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  if (isHeld) queue.post(() => released);
  return { queue, ran, full, failures, release };
}
