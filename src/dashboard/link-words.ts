/** What a link's state means in plain words, and what to do about it. */
import type { LinkLayer, LinkState } from './node-facts.ts';

interface LayerWords {
  readonly what: string;
  readonly remedy: string;
}

const layers: Readonly<Record<LinkLayer, LayerWords>> = {
  name: {
    what: 'the name of its address is not found',
    remedy: 'check the DNS of this machine, and the address that the manifest has for the member',
  },
  tcp: {
    what: 'nothing answers at its address',
    remedy:
      'ask the member whether its node runs; then whether both firewalls let this port through',
  },
  noise: {
    what: 'the encrypted handshake fails: who answers there has another key than the manifest says',
    remedy:
      'ask the member whether it rotated its key, and whether another program listens on that port',
  },
  membership: {
    what: 'one of the two does not take the other for a member',
    remedy: 'compare the consortium id on both sides: one of them has an older manifest',
  },
  version: {
    what: 'it speaks another version of the protocol',
    remedy: 'compare the versions of the program on both sides, and update the older one',
  },
  hello: {
    what: 'it is connected, and does not say who it is',
    remedy: 'its machine may be overloaded or suspended: ask the member to look at its node',
  },
  gossip: {
    what: 'it is connected, and its messages do not pass in both directions',
    remedy: 'the connection is made anew when this lasts; else look for a proxy between the two',
  },
  conduct: {
    what: 'this node hung up on it for a while, because of faulty messages or too many',
    remedy: 'annulus logs --detail says what it sent; ask its operator',
  },
};

/** The link in one clause: `unreachable: nothing answers at its address (TCP)`. */
export function linkWords(link: LinkState): string {
  const { state, layer, detail, remedy } = link;
  const seen = detail === null ? '' : ` [${detail}]`;
  switch (state) {
    case 'connected':
      return 'connected';
    case 'dialing':
      if (layer === null && detail !== null) return `not connected: ${detail}`;
      return `being dialled${layer === null ? '' : `; last time ${layers[layer].what}`}${seen}`;
    case 'unreachable':
      // The network's own words say more than those for the layer.
      if (layer !== null && detail !== null && remedy !== null)
        return `unreachable at ${layer}: ${detail}`;
      return `unreachable: ${layer === null ? 'no reason known' : layers[layer].what}${seen}`;
  }
}

/** What to do about an unreachable member. */
export function linkRemedy({ layer, remedy }: LinkState): string {
  if (remedy !== null) return remedy;
  return layer === null ? 'ask the member whether its node runs' : layers[layer].remedy;
}
