import { expect } from 'chai';
import { EventHub, type SendEvent } from '../../src/dashboard/event-hub.ts';
import { emptyView, reduce, statusOf, type NodeEvent } from '../../src/dashboard/index.ts';
import { virtualClock } from '../../src/simulate/virtual-clock.ts';
import { started, startMs } from './scripted-node.ts';

/** Lets what was promised come. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setUp(streamsMax = 4) {
  const clock = virtualClock();
  let view = emptyView;
  const hub = new EventHub({
    clock,
    pushMsMin: 250,
    pingMs: 5_000,
    streamsMax,
    status: () => statusOf(view, true),
  });
  const apply = (event: NodeEvent): void => {
    view = reduce(view, event);
    hub.changed();
  };
  const reader = () => {
    const heard: { event: string; keys: string[]; data: string }[] = [];
    const send: SendEvent = (event, data) => {
      heard.push({ event, data, keys: Object.keys(JSON.parse(data) as object) });
      return Promise.resolve();
    };
    return { heard, send };
  };
  return { clock, hub, apply, reader };
}

describe('EventHub', () => {
  it('gives a new reader everything, and then what changed alone', async () => {
    const { clock, hub, apply, reader } = setUp();
    const { heard, send } = reader();
    hub.open(send, () => undefined);
    await settle();
    expect(heard[0]?.keys).include.members(['version', 'members', 'rounds', 'log']);
    apply({ kind: 'disk', freeBytes: 2 ** 40, usedBytes: 2 });
    await clock.advance(250);
    expect(heard.slice(1).map(({ keys }) => keys)).deep.equal([['disk']]);
  });

  it('pushes four times a second at most, with the last word', async () => {
    const { clock, hub, apply, reader } = setUp();
    const { heard, send } = reader();
    hub.open(send, () => undefined);
    apply(started());
    await settle();
    for (let ms = 1; ms <= 1_000; ms++) {
      apply({ kind: 'clock', nowMs: startMs + ms });
      await clock.advance(1);
      await settle();
    }
    const pushes = heard.length - 1;
    expect(pushes).within(3, 4);
    apply({ kind: 'clock', nowMs: startMs + 5_000 });
    await clock.advance(250);
    expect((JSON.parse(heard.at(-1)!.data) as { nowMs: number }).nowMs).equal(startMs + 5_000);
  });

  it('sends nothing for an event that changes nothing of the status', async () => {
    const { clock, hub, apply, reader } = setUp();
    const { heard, send } = reader();
    hub.open(send, () => undefined);
    await settle();
    apply({ kind: 'notice-over', code: 'never said' });
    await clock.advance(1_000);
    expect(heard.length).equal(1);
  });

  it('passes over a slow reader, and brings it up to date when it takes again', async () => {
    const { clock, hub, apply, reader } = setUp();
    const slow = reader();
    let release = (): void => undefined;
    hub.open(
      (event, data) => {
        void slow.send(event, data);
        return new Promise((resolve) => (release = resolve));
      },
      () => undefined,
    );
    for (const usedBytes of [1, 2, 3]) {
      apply({ kind: 'disk', freeBytes: 2 ** 40, usedBytes });
      await clock.advance(250);
    }
    expect(slow.heard.length).equal(1);
    release();
    await settle();
    await clock.advance(250);
    expect(slow.heard.length).equal(2);
    expect(slow.heard[1]?.data).contain('"usedBytes":3');
  });

  it('pings every five seconds, and gives up a reader that takes nothing for half a minute', async () => {
    const { clock, hub, reader } = setUp();
    const { heard, send } = reader();
    let isEnded = false;
    hub.open(send, () => undefined);
    hub.open(
      () => new Promise(() => undefined),
      () => (isEnded = true),
    );
    for (let ping = 0; ping < 5; ping++) {
      await settle();
      await clock.advance(5_000);
    }
    expect([isEnded, hub.streamCount]).deep.equal([false, 2]);
    expect(heard.filter(({ event }) => event === 'ping').length).equal(5);
    await clock.advance(5_000);
    expect([isEnded, hub.streamCount]).deep.equal([true, 1]);
  });

  it('is full at its limit, and not any more when a reader has gone or failed', async () => {
    const { hub, reader } = setUp(2);
    const close = hub.open(reader().send, () => undefined);
    hub.open(
      () => Promise.reject(new Error('gone')),
      () => undefined,
    );
    expect(hub.isFull).equal(true);
    await settle();
    expect(hub.streamCount).equal(1);
    close();
    expect(hub.streamCount).equal(0);
  });

  it('ends every reader when it closes', () => {
    const { hub, reader } = setUp();
    let ended = 0;
    for (let i = 0; i < 3; i++) hub.open(reader().send, () => ended++);
    hub.close();
    expect([ended, hub.streamCount]).deep.equal([3, 0]);
  });
});
