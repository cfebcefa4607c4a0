import { expect } from 'chai';
import { base64, utf8, type Digest, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { UpdateBook, type ReceiptClaim } from '../../src/gossip/index.ts';
import { receiptBytes, receiptDomain, type CutUpdate } from '../../src/wire/index.ts';
import { consortium, ids, member, open, updateOf } from './sample-round.ts';

const { cid } = consortium;
const someDigest = (text: string): Digest => digestOf(utf8(text));

describe('update book', () => {
  it('certifies an update at six receipts of eight members, and says since when', async () => {
    const { book, claim } = await bookWith('L2');
    // Quorum: floor(2 · 8 / 3) + 1 = 6.
    for (const [index, from] of ids.slice(0, 5).entries()) {
      book.takeReceipts(from, [receipt(from, claim)], 100 + index);
    }
    expect(book.certified()).to.deep.equal([]);
    expect(book.certifiedForMs('L2' as NodeId, 500)).to.equal(null);
    book.takeReceipts(ids[7]!, [receipt('L8', claim)], 200);
    const [update] = book.certified();
    expect(update).to.include({ ...claim, n: 10 });
    expect(update!.ack.map(([index]) => index)).to.deep.equal([0, 1, 2, 3, 4, 7]);
    expect(book.isCertified(update!)).to.equal(true);
    expect(book.certifiedForMs('L2' as NodeId, 500)).to.equal(300);
  });

  it('lists certified updates ascending by author, and only those whose envelope is here', async () => {
    const book = new UpdateBook(consortium, open);
    const updates = await Promise.all(['L5', 'L2', 'L3'].map((author) => updateOf(author)));
    for (const [index, { env, upd, envelope }] of updates.entries()) {
      const peer = ['L5', 'L2', 'L3'][index] as NodeId;
      if (peer !== 'L3') book.takeEnvelope(envelope);
      acknowledge(book, { peer, env, upd });
    }
    expect(book.certified().map(({ peer }) => peer)).to.deep.equal(['L2', 'L5']);
    book.takeEnvelope(updates[2]!.envelope);
    expect(book.certified().map(({ peer }) => peer)).to.deep.equal(['L2', 'L3', 'L5']);
  });

  it('counts no receipt that is forged, of another round, of a stranger, or repeated', async () => {
    const { book, claim } = await bookWith('L2');
    acknowledge(book, claim, 5);
    const good = receipt('L6', claim);
    const refused: Record<string, [string, ReceiptClaim]> = {
      'signed by another': ['L6', receipt('L7', claim)],
      'of another round': ['L6', receipt('L6', claim, { r: 4 as RoundNumber })],
      'of another consortium': ['L6', receipt('L6', claim, { cid: someDigest('x') })],
      'by the log key': ['L6', { ...good, sig: signedBy('L6', claim, 'log') }],
      'no base64': ['L6', { ...good, sig: '***' }],
      'for other bulk': ['L6', { ...good, upd: someDigest('x') }],
      'of a stranger': ['L9', good],
      'of one who was counted': ['L1', receipt('L1', claim)],
    };
    for (const [name, [from, bad]] of Object.entries(refused)) {
      book.takeReceipts(from as NodeId, [bad], 0);
      expect(book.certified(), name).to.deep.equal([]);
    }
    book.takeReceipts('L6' as NodeId, [good], 0);
    expect(book.certified()).to.have.length(1);
  });

  it('is not kept from true receipts by false ones that came first', async () => {
    const { book, claim } = await bookWith('L2');
    // A liar signs for the right envelope with other bulk, and for envelopes that do not exist.
    const lies = [
      { ...claim, upd: someDigest('x') },
      { ...claim, env: someDigest('y') },
      { ...claim, env: someDigest('z') },
    ];
    for (const lie of lies) book.takeReceipts('L8' as NodeId, [receipt('L8', lie)], 0);
    acknowledge(book, claim, 6);
    expect(book.certified()).to.have.length(1);
  });

  it('keeps at most two receipts of a member for one author', async () => {
    const { book, claim } = await bookWith('L2');
    const claims = Array.from({ length: 20 }, (_, i) =>
      receipt('L8', { ...claim, env: someDigest(`envelope ${i}`) }),
    );
    book.takeReceipts('L8' as NodeId, claims, 0);
    expect(book.receiptsOf('L8' as NodeId)).to.deep.equal(claims.slice(0, 2));
    const outsider = receipt('L8', { ...claim, peer: 'L8' as NodeId });
    book.takeReceipts('L8' as NodeId, [outsider], 0);
    expect(book.receiptsOf('L8' as NodeId)).to.have.length(2);
  });

  it('refuses a certificate with too few, repeated or foreign receipts', async () => {
    const { book, claim } = await bookWith('L2');
    const ack = ids.map((id, index) => [index, receipt(id, claim).sig] as const);
    const update = (receipts: CutUpdate['ack']): CutUpdate => ({ ...claim, n: 10, ack: receipts });
    expect(book.isCertified(update(ack.slice(0, 6)))).to.equal(true);
    expect(book.isCertified(update(ack))).to.equal(true);
    expect(book.isCertified(update(ack.slice(0, 5))), 'too few').to.equal(false);
    const five = ack.slice(0, 5);
    expect(book.isCertified(update([...five, ack[4]!])), 'repeated').to.equal(false);
    expect(book.isCertified(update([...five, [5, ack[6]![1]]])), 'signed by 6').to.equal(false);
    expect(book.isCertified(update([...five, [8, ack[6]![1]]])), 'no member').to.equal(false);
    const other = { ...update(ack), upd: someDigest('x') };
    expect(book.isCertified(other), 'other bulk').to.equal(false);
  });

  it('keeps two envelopes of one author as evidence, and a third only when a cut names it', async () => {
    const book = new UpdateBook(consortium, open);
    // The key of the bulk is fresh each time, so each envelope is another.
    const [a, b, c] = await Promise.all([updateOf('L2'), updateOf('L2'), updateOf('L2')]);
    expect(book.takeEnvelope(a.envelope)?.env).to.equal(a.env);
    expect(book.takeEnvelope(a.envelope), 'again').to.equal(null);
    expect(book.envelopesOf('L2' as NodeId)).to.have.length(1);
    expect(book.takeEnvelope(b.envelope)?.env).to.equal(b.env);
    expect(book.envelopesOf('L2' as NodeId)).to.deep.equal([a.envelope, b.envelope]);
    expect(book.takeEnvelope(c.envelope)).to.equal(null);
    expect(book.envelope(c.env)).to.equal(null);
    expect(book.takeEnvelope(c.envelope, true)?.env).to.equal(c.env);
    for (const { env, upd } of [a, b, c]) acknowledge(book, { peer: 'L2' as NodeId, env, upd });
    expect(book.certified(), 'one update an author').to.have.length(1);
  });

  it('gives the receipt of this node once the bulk is open, and waits for no bulk that is spoilt', async () => {
    const { book, claim } = await bookWith('L2');
    expect(book.pending().map(({ env }) => env)).to.deep.equal([claim.env]);
    const { keys } = member('L1');
    const values = Int32Array.of(1, -2, 3);
    const given = book.opened(claim.env, values, 'L1' as NodeId, keys.consensus, 0);
    expect(given).to.deep.equal(receipt('L1', claim));
    expect(book.values(claim.env)).to.equal(values);
    expect(book.pending()).to.deep.equal([]);
    expect(book.opened(someDigest('x'), values, 'L1' as NodeId, keys.consensus, 0)).to.equal(null);
    const bad = await updateOf('L3');
    book.takeEnvelope(bad.envelope);
    book.spoil(bad.env);
    expect(book.pending()).to.deep.equal([]);
  });
});

type Claim = Pick<ReceiptClaim, 'peer' | 'env' | 'upd'>;

async function bookWith(author: string): Promise<{ book: UpdateBook; claim: Claim }> {
  const book = new UpdateBook(consortium, open);
  const { envelope, env, upd } = await updateOf(author);
  book.takeEnvelope(envelope);
  return { book, claim: { peer: author as NodeId, env, upd } };
}

function acknowledge(book: UpdateBook, claim: Claim, count = 6): void {
  for (const id of ids.slice(0, count)) book.takeReceipts(id, [receipt(id, claim)], 0);
}

function receipt(
  from: string,
  { peer, env, upd }: Claim,
  other: { r?: RoundNumber; cid?: Digest } = {},
): ReceiptClaim {
  return { peer, env, upd, sig: signedBy(from, { peer, env, upd }, 'consensus', other) };
}

function signedBy(
  from: string,
  claim: Claim,
  role: 'consensus' | 'log',
  other: { r?: RoundNumber; cid?: Digest } = {},
): string {
  const bytes = receiptBytes({ cid, r: open.r, ...claim, ...other });
  return base64(member(from).keys[role].sign(receiptDomain, bytes));
}
