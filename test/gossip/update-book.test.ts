import { expect } from 'chai';
import { utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { UpdateBook } from '../../src/gossip/index.ts';
import { consortium, ids, open, updateOf } from './sample-round.ts';

const someDigest = (text: string): Digest => digestOf(utf8(text));
const [l1, l2, l8] = [ids[0]!, ids[1]!, ids[7]!];
const key = new Uint8Array(32);

describe('update book', () => {
  it('certifies an update that it holds at six claims of eight members, and says since when', async () => {
    const { book, env, upd } = await bookWith('L2');
    // Quorum: floor(2 · 8 / 3) + 1 = 6.
    book.opened(env, key, l1, 100);
    for (const from of ids.slice(1, 5)) book.takeClaims(from, [env], 101);
    expect(book.certified()).to.deep.equal([]);
    expect(book.certifiedForMs(l2, 500)).to.equal(null);
    book.takeClaims(l8, [env], 200);
    expect(book.certified()).to.deep.equal([{ peer: 'L2', env, upd, n: 10 }]);
    expect(book.certifiedForMs(l2, 500)).to.equal(300);
  });

  it('certifies nothing that it does not hold, whoever claims it', async () => {
    const { book, env } = await bookWith('L2');
    claim(book, env, 8);
    expect(book.certified()).to.deep.equal([]);
    expect(book.certifiedForMs(l2, 500)).to.equal(null);
    book.mark(env, 'spoilt');
    expect(book.certified()).to.deep.equal([]);
  });

  it('lists certified updates ascending by author', async () => {
    const book = new UpdateBook(consortium, open);
    for (const author of ['L5', 'L2', 'L3']) {
      const { envelope, env } = await updateOf(author);
      book.takeEnvelope(envelope);
      book.opened(env, key, l1, 0);
      claim(book, env);
    }
    expect(book.certified().map(({ peer }) => peer)).to.deep.equal(['L2', 'L3', 'L5']);
  });

  it('counts each member once, and no stranger', async () => {
    const { book, env } = await bookWith('L2');
    book.opened(env, key, l1, 0);
    for (let i = 0; i < 9; i++) book.takeClaims(l2, [env, env], 0);
    book.takeClaims(l1, [env], 0);
    for (const stranger of ['L9', 'X1', 'X2', 'X3'] as NodeId[])
      book.takeClaims(stranger, [env], 0);
    expect(book.certified()).to.deep.equal([]);
    claim(book, env);
    expect(book.certified()).to.have.length(1);
  });

  it('knows whether one quorum holds all updates of a cut', async () => {
    const book = new UpdateBook(consortium, open);
    const envs: Digest[] = [];
    for (const author of ['L2', 'L3']) {
      const { envelope, env } = await updateOf(author);
      book.takeEnvelope(envelope);
      book.opened(env, key, l1, 0);
      envs.push(env);
    }
    // L1 to L6 hold the first, L1 and L4 to L8 the second: six each, and together four.
    for (const id of ids.slice(0, 6)) book.takeClaims(id, [envs[0]!], 0);
    for (const id of ids.slice(3, 8)) book.takeClaims(id, [envs[1]!], 0);
    const cut = book.certified();
    expect(cut.map(({ peer }) => peer)).to.deep.equal(['L2', 'L3']);
    expect(book.areHeldTogether(cut)).to.equal(false);
    expect(book.areHeldTogether(cut.slice(0, 1))).to.equal(true);
    book.takeClaims(l8, [envs[0]!], 0);
    book.takeClaims(ids[6]!, [envs[0]!], 0);
    expect(book.areHeldTogether(cut), 'L1 and L4 to L8').to.equal(true);
  });

  it('bounds what one member can make it keep, and lets it stand in nobody else’s way', async () => {
    const { book, env } = await bookWith('L2');
    // Seven take part: fourteen claims of one member, and the true one comes too late.
    expect(book.claimsMax).to.equal(14);
    const lies = Array.from({ length: 500 }, (_, i) => someDigest(`lie ${i}`));
    book.takeClaims(l8, [...lies, env], 0);
    for (const id of ids.slice(1, 3)) book.takeClaims(id, lies.slice(0, 20), 0);
    // f = 2: three claims, one of them honest. The first fourteen lies have three.
    expect(book.missing()).to.have.length(14);
    expect(book.isBelieved(lies[14]!)).to.equal(false);
    book.opened(env, key, l1, 0);
    for (const id of ids.slice(3, 7)) book.takeClaims(id, [env], 0);
    expect(book.certified(), 'five of eight').to.deep.equal([]);
  });

  it('names what an honest member must hold and is not here, with one that has it', async () => {
    const book = new UpdateBook(consortium, open);
    const { envelope, env } = await updateOf('L2');
    for (const id of ids.slice(4, 6)) book.takeClaims(id, [env], 0);
    expect(book.missing()).to.deep.equal([]); // two of eight may both lie
    book.takeClaims(ids[6]!, [env], 0);
    expect(book.missing()).to.deep.equal([{ env, holder: 'L5' }]);
    book.takeEnvelope(envelope);
    expect(book.missing()).to.deep.equal([]);
  });

  it('keeps two envelopes of one author as evidence, and a third only when it is decided or honestly held', async () => {
    const book = new UpdateBook(consortium, open);
    // The key of the bulk is fresh each time, so each envelope is another.
    const [a, b, c, d] = await Promise.all([1, 2, 3, 4].map(() => updateOf('L2')));
    expect(book.takeEnvelope(a!.envelope)?.env).to.equal(a!.env);
    expect(book.takeEnvelope(a!.envelope), 'again').to.equal(null);
    expect(book.envelopesOf(l2)).to.have.length(1);
    expect(book.takeEnvelope(b!.envelope)?.env).to.equal(b!.env);
    expect(book.envelopesOf(l2)).to.deep.equal([a!.envelope, b!.envelope]);
    expect(book.takeEnvelope(c!.envelope)).to.equal(null);
    expect(book.envelope(c!.env)).to.equal(null);
    expect(book.takeEnvelope(c!.envelope, true)?.env).to.equal(c!.env);
    expect(book.takeEnvelope(d!.envelope)).to.equal(null);
    claim(book, d!.env, 3);
    expect(book.takeEnvelope(d!.envelope)?.env).to.equal(d!.env);
    for (const { env } of [a!, b!, c!, d!]) {
      book.opened(env, key, l1, 0);
      claim(book, env);
    }
    expect(book.certified(), 'one update an author').to.have.length(1);
  });

  it('knows what is awaited, locked, spoilt and open', async () => {
    const { book, env } = await bookWith('L2');
    const inState = (state: Parameters<UpdateBook['inState']>[0]): Digest[] =>
      book.inState(state).map((facts) => facts.env);
    expect(inState('awaited')).to.deep.equal([env]);
    book.mark(env, 'locked');
    expect([inState('awaited'), inState('locked')]).to.deep.equal([[], [env]]);
    book.opened(env, key, l1, 0);
    book.mark(env, 'locked');
    expect([inState('locked'), inState('open')]).to.deep.equal([[], [env]]);
    expect(book.keyOf(env)).to.equal(key);
    book.opened(someDigest('x'), key, l1, 0);
    expect(book.stateOf(someDigest('x'))).to.equal(null);
  });
});

async function bookWith(author: string): Promise<{ book: UpdateBook; env: Digest; upd: Digest }> {
  const book = new UpdateBook(consortium, open);
  const { envelope, env, upd } = await updateOf(author);
  book.takeEnvelope(envelope);
  return { book, env, upd };
}

function claim(book: UpdateBook, env: Digest, count = 6): void {
  for (const id of ids.slice(0, count)) book.takeClaims(id, [env], 0);
}
