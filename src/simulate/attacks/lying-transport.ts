/** Liars' ends of the network: who withholds its blobs, and who floods the others. */
import type { Digest, NodeId, Random } from '../../base/index.ts';
import type { Topic, Transport } from '../../wire/index.ts';
import type { Attack } from './attack.ts';

/** Bytes of a message that means nothing. */
const junkBytes = 256;
/** Junk goes where nobody has to have signed it to be read. */
const junkTopics: readonly Topic[] = ['updates', 'log', 'status'];

/** For the world's `bend`: the network of a liar, and of nobody else. */
export function lyingTransport(
  attack: Attack,
  randomOf: (id: NodeId) => Random,
): (transport: Transport) => Transport {
  return (transport) => {
    if (!attack.liars.includes(transport.self)) return transport;
    if (attack.kind === 'withhold') return withholding(transport, attack.answers);
    if (attack.kind === 'flood') {
      return flooding(transport, attack.copies, randomOf(transport.self));
    }
    return transport;
  };
}

/** Answers the first so many fetches of each blob. */
function withholding(transport: Transport, answers: number): Transport {
  const serveBlobs = transport.serveBlobs.bind(transport);
  const answered = new Map<Digest, number>();
  transport.serveBlobs = (provider) => {
    serveBlobs((digest) => {
      const count = answered.get(digest) ?? 0;
      if (count >= answers) return Promise.resolve(null);
      answered.set(digest, count + 1);
      return provider(digest);
    });
  };
  return transport;
}

/** Each message again and again, with as much junk beside it. */
function flooding(transport: Transport, copies: number, random: Random): Transport {
  const broadcast = transport.broadcast.bind(transport);
  transport.broadcast = (topic, bytes) => {
    for (let copy = 0; copy < copies; copy++) {
      broadcast(topic, bytes);
      const junk = Uint8Array.from({ length: junkBytes }, () => random.integer(256));
      broadcast(junkTopics[copy % junkTopics.length] as Topic, junk);
    }
  };
  return transport;
}
