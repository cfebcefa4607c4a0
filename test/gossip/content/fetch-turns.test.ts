/** Requests to one member go a few at a time, in order, and none is lost when another fails or is given up. */
import { expect } from 'chai';
import type { Digest, NodeId } from '../../../src/base/index.ts';
import { inTurns } from '../../../src/gossip/content/fetch-turns.ts';
import type { FetchOptions, Transport } from '../../../src/wire/index.ts';

const [one, other] = ['L1', 'L2'] as NodeId[];
const options: FetchOptions = { offset: 0, length: null, maxBytes: 10 };

describe('fetches in turns', () => {
  it('ask one member three things at a time, and others meanwhile', async () => {
    const { fetches, open, end } = held();
    const reads = Array.from({ length: 5 }, (_, at) => read(fetches, one!, String(at)));
    const elsewhere = read(fetches, other!, 'x');
    await settle();
    expect(open).to.deep.equal(['0', '1', '2', 'x']);
    end('1');
    await settle();
    expect(open).to.deep.equal(['0', '1', '2', 'x', '3']);
    for (const name of ['0', '2', '3', 'x']) end(name);
    await settle();
    end('4');
    expect(await Promise.all(reads)).to.deep.equal([1, 1, 1, 1, 1]);
    expect(await elsewhere).to.equal(1);
  });

  it('pass the turn on when one fails, is left early, or was given up while it waited', async () => {
    const { fetches, open, end } = held();
    const gaveUp = new AbortController();
    const reads = ['0', '1', 'fails'].map((name) =>
      read(fetches, one!, name).catch(() => 'failed'),
    );
    const waiting = read(fetches, one!, 'unwanted', { ...options, signal: gaveUp.signal });
    const refused = waiting.catch((error: unknown) => (error as { code: string }).code);
    const last = read(fetches, one!, 'last');
    await settle();
    gaveUp.abort();
    end('fails');
    await settle();
    expect(open).to.deep.equal(['0', '1', 'fails', 'last']);
    for (const name of ['0', '1', 'last']) end(name);
    expect(await refused).to.equal('interrupted');
    expect(await last).to.equal(1);
    expect(await Promise.all(reads)).to.deep.equal([1, 1, 'failed']);
  });
});

/** A transport whose fetches give one byte and then wait to be ended. */
function held(): {
  fetches: Pick<Transport, 'fetch'>;
  open: string[];
  end: (name: string) => void;
} {
  const open: string[] = [];
  const ends = new Map<string, () => void>();
  const fetches = inTurns({
    async *fetch(_from: NodeId, digest: Digest) {
      open.push(digest);
      yield Uint8Array.of(1);
      await new Promise<void>((resolve) => ends.set(digest, resolve));
      if (digest === ('fails' as Digest)) throw new Error('broke off');
    },
  } as unknown as Transport);
  return { fetches, open, end: (name) => ends.get(name)?.() };
}

async function read(
  fetches: Pick<Transport, 'fetch'>,
  from: NodeId,
  name: string,
  how: FetchOptions = options,
): Promise<number> {
  let bytes = 0;
  for await (const piece of fetches.fetch(from, name as Digest, how)) bytes += piece.byteLength;
  return bytes;
}

async function settle(): Promise<void> {
  for (let at = 0; at < 20; at++) await Promise.resolve();
}
