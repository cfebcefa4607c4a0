/** What a fetch does when the other side, a member with a valid key, does not keep to the protocol. */
import { expect } from 'chai';
import type { Stream } from '@libp2p/interface';
import { concatBytes, type Digest } from '../../src/base/index.ts';
import { NetworkError } from '../../src/network/errors.ts';
import type { Libp2pTransport } from '../../src/network/index.ts';
import type { Host } from '../../src/network/libp2p-host.ts';
import { updateProtocol } from '../../src/network/protocol-ids.ts';
import { TransportError } from '../../src/wire/index.ts';
import { fast, openMember, testMembers, until } from './libp2p-cluster.ts';
import { startRogue } from './rogue-member.ts';

const digest = 'ab'.repeat(32) as Digest;
const settings = { ...fast, transferIdleMs: 300, transferGraceMs: 200 };

function head(status: number, totalBytes: bigint): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = status;
  new DataView(bytes.buffer).setBigUint64(1, totalBytes);
  return bytes;
}

describe('a fetch from a member that breaks the protocol', () => {
  let rogue: Host;
  let honest: Libp2pTransport;
  let answer: (stream: Stream) => void | Promise<void>;
  let rogueId: Libp2pTransport['self'];

  before(async () => {
    const members = await testMembers(2);
    rogueId = members[1]!.id;
    rogue = await startRogue(members[1]!, members, settings);
    await rogue.handle(updateProtocol, async (stream) => answer(stream));
    // The honest side dials, whatever the order of the ids.
    const faster = { ...settings, reverseDialAfterMs: 100 };
    honest = await openMember(members[0]!, members, { settings: faster });
    await honest.start();
    await until(() => honest.peers().includes(rogueId), 'they meet');
  });
  after(async () => {
    await honest.stop();
    await rogue.stop();
  });

  async function fetchError(maxBytes = 1_000): Promise<[string, string]> {
    const chunks = honest.fetch(rogueId, digest, { offset: 0, length: null, maxBytes });
    let bytes = 0;
    try {
      for await (const chunk of chunks) {
        bytes += chunk.byteLength;
        expect(bytes, 'bytes handed on').to.be.at.most(maxBytes);
      }
    } catch (error) {
      expect(error).to.be.instanceOf(TransportError);
      const { cause } = error as Error;
      return [(error as TransportError).code, cause instanceof NetworkError ? cause.code : ''];
    }
    return ['nothing thrown', ''];
  }

  it('refuses more bytes than were announced', async () => {
    answer = async (stream): Promise<void> => {
      stream.send(concatBytes(head(0, 100n), new Uint8Array(101)));
      await stream.close();
    };
    expect(await fetchError()).to.deep.equal(['interrupted', 'protocol_broken']);
  });

  it('notices fewer bytes than were announced', async () => {
    answer = async (stream): Promise<void> => {
      stream.send(concatBytes(head(0, 100n), new Uint8Array(99)));
      await stream.close();
    };
    expect(await fetchError()).to.deep.equal(['interrupted', 'stream_cut']);
  });

  it('notices a reset in the middle', async () => {
    answer = (stream): void => {
      stream.send(concatBytes(head(0, 100n), new Uint8Array(50)));
      setTimeout(() => {
        stream.abort(new Error('gone'));
      }, 20);
    };
    expect(await fetchError()).to.deep.equal(['interrupted', 'stream_cut']);
  });

  it('judges an announced size before it reads, however large', async () => {
    answer = (stream): void => void stream.send(head(0, 2n ** 52n));
    expect(await fetchError()).to.deep.equal(['too_large', '']);
    answer = (stream): void => void stream.send(head(0, 2n ** 64n - 1n));
    expect(await fetchError()).to.deep.equal(['interrupted', 'protocol_broken']);
  });

  it('does not wait for ever: for the head, for the end, or at a trickle', async () => {
    answer = (): void => undefined;
    expect(await fetchError()).to.deep.equal(['interrupted', 'stalled']);
    answer = (stream): void => void stream.send(concatBytes(head(0, 100n), new Uint8Array(100)));
    expect(await fetchError()).to.deep.equal(['interrupted', 'stalled']);
    answer = async (stream): Promise<void> => {
      stream.send(head(0, 100n));
      // 20 bytes a second against a floor of 4096, each in good time.
      for (let n = 0; n < 100 && stream.writeStatus === 'writable'; n++) {
        stream.send(new Uint8Array(1));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    expect(await fetchError()).to.deep.equal(['interrupted', 'too_slow']);
  });

  it('refuses an unknown status and an answer cut short', async () => {
    answer = (stream): void => void stream.send(head(9, 0n));
    expect(await fetchError()).to.deep.equal(['interrupted', 'protocol_broken']);
    answer = async (stream): Promise<void> => {
      stream.send(head(0, 0n).subarray(0, 8));
      await stream.close();
    };
    expect(await fetchError()).to.deep.equal(['interrupted', 'stream_cut']);
  });

  it('stays connected through all of this', () => {
    expect(honest.peers()).to.deep.equal([rogueId]);
  });
});
