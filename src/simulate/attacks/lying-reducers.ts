/**
 * Members that add up their shards falsely: they sign, and serve, the sum with its first number changed by one, the same change
 * all of them. With `isTwofold` each tells one half of the others the truth and the other half the lie.
 */
import type { Digest, NodeId } from '../../base/index.ts';
import { digestOf, type Signer } from '../../crypto/index.ts';
import {
  decodeStrict,
  encodeCanonical,
  limits,
  readSignedSums,
  signSums,
  type BlobProvider,
  type HeldBlob,
  type Json,
  type SignedSums,
  type Transport,
} from '../../wire/index.ts';

/** The attack as data. */
export interface LyingReducers {
  readonly kind: 'lying-reducers';
  readonly liars: readonly NodeId[];
  readonly isTwofold: boolean;
}

/** For the world's `bend`: the network of a liar, and of nobody else. @param signerOf a liar's log key */
export function lyingReducers(
  attack: LyingReducers,
  signerOf: (id: NodeId) => Signer,
): (transport: Transport) => Transport {
  return (transport) => {
    if (!attack.liars.includes(transport.self)) return transport;
    const signer = signerOf(transport.self);
    const lies = new Map<Digest, Uint8Array>();
    let provider: BlobProvider = () => Promise.resolve(null);
    const serveBlobs = transport.serveBlobs.bind(transport);
    transport.serveBlobs = (own) => {
      provider = own;
      serveBlobs(async (digest) => {
        const lie = lies.get(digest);
        return lie === undefined ? own(digest) : held(lie);
      });
    };
    const broadcast = transport.broadcast.bind(transport);
    transport.broadcast = (topic, bytes) => {
      const said = topic === 'updates' ? sumsOf(bytes) : null;
      if (said === null) {
        broadcast(topic, bytes);
        return;
      }
      void falseSums(said, provider, lies).then((sums) => {
        const lie = signSums({ ...said, sums }, signer);
        const message = encodeCanonical({ t: 'sums', r: said.r, said: lie as unknown as Json });
        if (!attack.isTwofold) {
          broadcast(topic, message);
          return;
        }
        for (const [at, id] of transport.peers().entries()) {
          transport.send(id, topic, at % 2 === 0 ? message : bytes);
        }
      });
    };
    return transport;
  };
}

function sumsOf(bytes: Uint8Array): SignedSums | null {
  const message = decodeStrict(bytes, { maxBytes: limits.topicBytesMax.updates });
  const { t, said } = message as { readonly t?: string; readonly said?: unknown };
  return t === 'sums' ? readSignedSums(said) : null;
}

/** Each sum that has a number in it, changed in the lowest bit of the first. */
function falseSums(
  { sums }: SignedSums,
  provider: BlobProvider,
  lies: Map<Digest, Uint8Array>,
): Promise<SignedSums['sums']> {
  return Promise.all(
    sums.map(async ({ shard, sum }) => {
      const blob = await provider(sum);
      const bytes = (await blob?.read(0, blob.totalBytes)) ?? new Uint8Array(0);
      // A width first, then that many bits of each value: at least two, or a flipped bit could make the width too large.
      if (bytes.byteLength < 2 || (bytes[0] ?? 0) < 2) return { shard, sum };
      const lie = bytes.slice();
      lie[1] = (lie[1] ?? 0) ^ 1;
      const digest = digestOf(lie);
      lies.set(digest, lie);
      return { shard, sum: digest };
    }),
  );
}

function held(bytes: Uint8Array): HeldBlob {
  return {
    totalBytes: bytes.byteLength,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
  };
}
