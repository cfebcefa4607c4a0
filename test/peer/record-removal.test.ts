/** Records go once their height is in the log and cosigned: a power cut at any write in between loses nothing. */
import { expect } from 'chai';
import { decodeRecords, type WalRecord } from '../../src/consensus/write-ahead-log.ts';
import { encodeCanonical } from '../../src/wire/index.ts';
import type { MemoryStore } from '../audit/memory-store.ts';
import { aloneFor } from './alone.ts';

const rounds = 3;

/** Every vote and proposal that came whole to the disk, by what may be signed once: two different values are a double vote. */
class SignedOnce {
  readonly problems: string[] = [];
  readonly #values = new Map<string, string>();

  take(bytes: Uint8Array): void {
    for (const record of decodeRecords(bytes).records) {
      const { t, e, h } = record;
      const place = `${t} ${e} ${h} ${'v' in record ? record.v : ''}`;
      const value = valueOf(record);
      const before = this.#values.get(place) ?? value;
      this.#values.set(place, before);
      if (before !== value) this.problems.push(place);
    }
  }
}

function valueOf(record: WalRecord): string {
  return 'x' in record ? record.x : new TextDecoder().decode(encodeCanonical({ ...record, t: '' }));
}

/** The last write before the power fails leaves this part of what is appended. */
function tearLast(store: MemoryStore, part: number, signed: SignedOnce): void {
  const append = store.append.bind(store);
  store.append = async (name, bytes) => {
    if (store.writesLeft === 1) {
      await append(name, bytes.slice(0, Math.floor(part * bytes.byteLength)));
      throw new Error('the power is gone');
    }
    await append(name, bytes);
    if (name.startsWith('wal/')) signed.take(bytes);
  };
}

describe('records of heights that are in the log', function () {
  this.timeout(120_000);

  it('go, and a power cut at any write has no member sign twice or forget a decision', async () => {
    const whole = aloneFor(rounds);
    await whole.start();
    const { store: sound } = whole.node('L1');
    let removals = 0;
    const remove = sound.remove.bind(sound);
    sound.remove = (name) => {
      if (name.startsWith('wal/')) removals += 1;
      return remove(name);
    };
    sound.writesLeft = 1e9;
    expect(await whole.runUntilDone()).equal(true);
    await whole.clock.advance(5_000);
    const writes = 1e9 - sound.writesLeft;
    // OPEN, three times CUT, SEAL with the next OPEN: seven heights.
    expect(removals).least(6);
    const models = whole.sealedModels('L1');
    for (let at = 1; at <= writes; at++) {
      for (const part of [0.5, 1]) {
        const world = aloneFor(rounds);
        const node = world.node('L1');
        const signed = new SignedOnce();
        tearLast(node.store, part, signed);
        await world.start();
        node.store.writesLeft = at;
        await world.clock.runUntil(() => node.store.writesLeft <= 0);
        await world.crash('L1');
        node.store.writesLeft = Infinity;
        // What would be proposed now has another time, so another digest.
        await world.clock.advance(7_000);
        const failures = node.failures.length;
        await world.restart('L1');
        const where = `write ${at}, part ${part}`;
        expect(await world.runUntilDone(), where).equal(true);
        expect(node.failures.length, where).equal(failures);
        expect(signed.problems, where).deep.equal([]);
        const { state } = node.peer;
        expect([state.height, state.models.get('student')], where).deep.equal([7, models.at(-1)]);
      }
    }
    // eslint-disable-next-line no-console -- a figure for whoever runs this
    console.log(`        ${writes} writes, ${removals} files of records removed`);
  });
});
