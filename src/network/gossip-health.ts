/**
 * Which members hear our gossip, looked at again and again: gossipsub tells when it hears a peer, not when it can speak to
 * it, and an oversize message or a full buffer can leave a pair deaf for ever.
 */
import type { Digest, Logger } from '../base/index.ts';
import { hearers } from './gossip-gate.ts';
import type { Host } from './libp2p-host.ts';
import type { DirectoryEntry, MemberDirectory } from './member-directory.ts';
import type { MemberLinks } from './member-links.ts';

/** Pause between looks at a pair whose gossip streams are not both open yet. */
const lookAgainMs = 50;
/** Looks in a row that found a pair deaf before it is hung up. */
const deafCountMax = 3;

/** What the health of gossip is looked at with. */
export interface GossipHealthPorts {
  readonly consortium: Digest;
  readonly directory: MemberDirectory;
  readonly links: MemberLinks;
  readonly logger: Logger;
  /** A look every so often, ms. */
  readonly intervalMs: number;
  /** Ends a member's connections: it is dialled afresh. */
  readonly hangUp: (member: DirectoryEntry) => void;
}

/** See the file's header. */
export class GossipHealth {
  readonly #host: Host;
  readonly #ports: GossipHealthPorts;
  #isRunning = false;
  #interval: NodeJS.Timeout | null = null;
  #lookAgain: NodeJS.Timeout | null = null;

  constructor(host: Host, ports: GossipHealthPorts) {
    this.#host = host;
    this.#ports = ports;
  }

  /** Begins to look over all pairs in turns. */
  start(): void {
    this.#isRunning = true;
    this.#interval = setInterval(() => {
      this.#check();
    }, this.#ports.intervalMs);
  }

  /** Looks no more. */
  stop(): void {
    this.#isRunning = false;
    if (this.#interval !== null) clearInterval(this.#interval);
    if (this.#lookAgain !== null) clearTimeout(this.#lookAgain);
  }

  /** Looks now: a member said hello, or subscribed to something. */
  look(): void {
    const { links, directory, consortium } = this.#ports;
    const hears = hearers(this.#host.services.gossip, consortium);
    for (const [id] of links.entries()) {
      const peer = directory.ofNode(id)?.peerId.toString() ?? '';
      links.setHearsGossip(id, hears(peer));
    }
    const isWaiting = links.entries().some(([, link]) => !link.hearsGossip);
    if (isWaiting) this.#lookAgain ??= setTimeout(this.#onLookAgain, lookAgainMs);
  }

  readonly #onLookAgain = (): void => {
    this.#lookAgain = null;
    if (this.#isRunning) this.look();
  };

  /** Hangs up on pairs that stay deaf, to start afresh. */
  #check(): void {
    const { links, directory, logger, hangUp } = this.#ports;
    this.look();
    for (const [id, link] of links.entries()) {
      link.deafCount = link.hearsGossip ? 0 : link.deafCount + 1;
      const member = directory.ofNode(id);
      if (link.deafCount >= deafCountMax && member !== null) {
        logger.log('warn', 'peer is deaf to gossip, hanging up', { peer: id });
        hangUp(member);
      }
    }
  }
}
