/**
 * Why a member cannot be reached, by the layer that failed, in words: what was seen and what to do. Nothing is said that
 * was not seen: how far a dial came is told by libp2p as it goes, and its error says the rest.
 */
import { lookup } from 'node:dns/promises';
import type { Multiaddr } from '@multiformats/multiaddr';
import { messageOf } from '../base/index.ts';

/**
 * From below: the name of an address, TCP, Noise (the handshake and the key), the list of members, the version of the protocol,
 * gossip, and how the member behaved.
 */
export type LinkLayer = 'name' | 'tcp' | 'noise' | 'membership' | 'version' | 'gossip' | 'conduct';

/** What keeps two members apart. */
export interface LinkProblem {
  readonly layer: LinkLayer;
  /** What was seen. */
  readonly reason: string;
  /** What somebody can do about it. */
  readonly remedy: string;
}

type ProblemName =
  | 'noAddress'
  | 'closedAfterKey'
  | 'noHello'
  | 'otherConsortium'
  | 'otherVersion'
  | 'deaf'
  | 'hungUp';

/** Problems that are not found by a failed dial. */
export const linkProblems: Readonly<Record<ProblemName, LinkProblem>> = Object.freeze({
  noAddress: {
    layer: 'name',
    reason: 'neither this node nor this member publishes an address',
    remedy: 'one of the two needs an address in the manifest that the other can dial',
  },
  closedAfterKey: {
    layer: 'membership',
    reason: 'it closes the connection when it sees the key of this node',
    remedy:
      'its list of members lacks this node or has an older key of it, or it hung up on this node for a while: see its log',
  },
  noHello: {
    layer: 'membership',
    reason: 'it accepted the connection and did not answer the hello in time',
    remedy: 'its process is suspended or overloaded: see its log',
  },
  otherConsortium: {
    layer: 'membership',
    reason: 'it is a member of another consortium',
    remedy: 'compare the consortium ids: one of the two has the manifest of another consortium',
  },
  otherVersion: {
    layer: 'version',
    reason: 'it speaks another version of the protocol',
    remedy: 'install the same version of annulus on both machines',
  },
  deaf: {
    layer: 'gossip',
    reason: 'connected, but the streams of gossip are not open in both directions',
    remedy: 'none: the connection is made anew when this lasts',
  },
  hungUp: {
    layer: 'conduct',
    reason: 'this node hung up on it for a while, because of faulty messages or too many',
    remedy: 'the log of this node says what it sent; ask its operator',
  },
});

/** A name server that does not answer by then does not answer, ms. */
const lookupMs = 3_000;

/** How far the dial of one address came. */
type Stage = 'tcp' | 'noise';

/** What libp2p tells while it dials. */
interface Progress {
  readonly type: string;
  readonly detail?: unknown;
}

/** Follows one dial of one member. */
export class DialTrace {
  readonly #waitedMs: number;
  readonly #stages: Stage[] = [];
  /** In the order in which they are dialled. */
  #addresses: readonly Multiaddr[];

  /** @param waitedMs how long the dial may take */
  constructor(addresses: readonly Multiaddr[], waitedMs: number) {
    this.#addresses = addresses;
    this.#waitedMs = waitedMs;
  }

  /** For libp2p's `dial`. */
  readonly onProgress = ({ type, detail }: Progress): void => {
    if (type === 'dial-queue:calculated-addresses' && Array.isArray(detail)) {
      this.#addresses = (detail as { multiaddr: Multiaddr }[]).map(({ multiaddr }) => multiaddr);
    } else if (type === 'tcp:open-connection') {
      this.#stages.push('tcp');
    } else if (type === 'upgrader:encrypt-outbound-connection') {
      this.#stages[this.#stages.length - 1] = 'noise';
    }
  };

  /** Why the dial failed: of several addresses, the one at which it came furthest. */
  async problem(error: unknown): Promise<LinkProblem> {
    const at = Math.max(this.#stages.indexOf('noise'), 0);
    const stage = this.#stages[at];
    const address = this.#addresses[at];
    if (stage === undefined || address === undefined) {
      return {
        layer: 'name',
        reason: `its address cannot be dialled: ${messageOf(error)}`,
        remedy: 'the manifest needs an address of the form host:port or /dns/…/tcp/…',
      };
    }
    const where = address.toString().replace(/\/p2p\/.*$/, '');
    const cause: unknown = this.#stages.length > 1 && isAggregate(error) ? error.errors[at] : error;
    if (stage === 'noise') return noiseProblem(where, cause);
    return tcpProblem(where, cause) ?? (await silenceProblem(where, this.#waitedMs));
  }
}

function noiseProblem(where: string, error: unknown): LinkProblem {
  if (messageOf(error).includes('does not match expected remote identity key')) {
    return {
      layer: 'noise',
      reason: `another machine answers at ${where}: its key is not this member's`,
      remedy:
        'correct the address; or, when the member has a new key, let its key be replaced in the manifest',
    };
  }
  return {
    layer: 'noise',
    reason: `${where} accepts connections, but the handshake did not come to its end`,
    remedy:
      'its process is suspended or overloaded, or another program or a proxy listens there, or it limits how often this address may connect: see the log of its node',
  };
}

const tcpWords: Readonly<Record<string, Omit<LinkProblem, 'reason'> & { readonly seen: string }>> =
  {
    ENOTFOUND: {
      layer: 'name',
      seen: 'the name does not exist',
      remedy: "correct the name in the manifest, or this machine's name server",
    },
    EAI_AGAIN: {
      layer: 'name',
      seen: 'the name server does not answer',
      remedy: 'see /etc/resolv.conf and whether this machine has a network',
    },
    ECONNREFUSED: {
      layer: 'tcp',
      seen: 'refused: the machine is there, and nothing listens on this port',
      remedy: "start the member's node, or correct the port in its address or its firewall",
    },
    ECONNRESET: {
      layer: 'tcp',
      seen: 'reset by the other side or by something in between',
      remedy: 'look for a firewall or proxy between the two machines',
    },
    ENETUNREACH: {
      layer: 'tcp',
      seen: 'no route to that network',
      remedy: "see this machine's routes, VPN and gateway",
    },
    EHOSTUNREACH: {
      layer: 'tcp',
      seen: 'no route to that machine',
      remedy: 'see whether the machine is on, and the routes and VPN between the two',
    },
  };

function tcpProblem(where: string, error: unknown): LinkProblem | null {
  const code = /\b(E[A-Z_]{4,14})\b/.exec(`${codeOf(error)} ${messageOf(error)}`)?.[1] ?? '';
  const known = tcpWords[code];
  if (known === undefined) return null;
  const { layer, seen, remedy } = known;
  return { layer, reason: `${where}: ${seen} (${code})`, remedy };
}

/** Nothing came back in time: of the name server or of the machine. */
async function silenceProblem(where: string, waitedMs: number): Promise<LinkProblem> {
  const name = /^\/dns[46]?\/([^/]+)/.exec(where)?.[1];
  if (name !== undefined) {
    const timeout = new Promise<null>((resolve) => {
      setTimeout(resolve, lookupMs, null).unref();
    });
    const found = await Promise.race([lookup(name).catch((error: unknown) => error), timeout]);
    const problem = tcpProblem(where, found ?? new Error('EAI_AGAIN'));
    if (problem !== null) return problem;
  }
  return {
    layer: 'tcp',
    reason: `${where}: no answer within ${waitedMs / 1000} s`,
    remedy:
      'the machine is off, or a firewall drops what comes in: have this port opened, or let it dial',
  };
}

function isAggregate(error: unknown): error is AggregateError {
  return error instanceof AggregateError;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}
