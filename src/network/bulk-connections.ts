/**
 * A second connection with each member, for bulk alone. On the one that carries votes they would wait behind megabytes that the
 * system took for sending before them. Who dialled the link dials this one too, to the same address, once the hello is done; until
 * it stands, and where it cannot be had, bulk takes the link. It lives no longer than its link.
 */
import type { Connection, Stream } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { messageOf, type Digest, type Logger, type NodeId } from '../base/index.ts';
import { redialPauseMs } from './dial-keeper.ts';
import { NetworkError } from './errors.ts';
import { answerHello, sayHello, type HelloOutcome } from './hello-protocol.ts';
import type { DirectoryEntry } from './member-directory.ts';
import { bulkProtocol } from './protocol-ids.ts';
import type { NetworkSettings } from './settings.ts';

/** What the connections for bulk need of their node. */
export interface BulkPorts {
  readonly consortium: Digest;
  readonly settings: NetworkSettings;
  readonly logger: Logger;
  /** A further connection, whatever stands. */
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>;
  /** Whether a connection is the link with a member, now. */
  readonly isLink: (member: DirectoryEntry, connection: Connection) => boolean;
}

/** See the file's header. */
export class BulkConnections {
  readonly #ports: BulkPorts;
  /** Those that said hello, one for each member. */
  readonly #open = new Map<NodeId, Connection>();
  /** Hellos that the other side says, by the connection's id: its first stream may be here before the answer is out. */
  readonly #answers = new Map<string, Promise<HelloOutcome>>();

  constructor(ports: BulkPorts) {
    this.#ports = ports;
  }

  /** The one with a member; null while there is none. */
  of(member: NodeId): Connection | null {
    const connection = this.#open.get(member);
    return connection?.status === 'open' ? connection : null;
  }

  /** Whether this is the one with that member, once a hello that is being said on it is done. */
  async isFor(member: NodeId, connection: Connection): Promise<boolean> {
    await this.#answers.get(connection.id)?.catch(() => undefined);
    return this.has(member, connection);
  }

  /** Whether this is the one with that member. */
  has(member: NodeId, { id }: Connection): boolean {
    return this.#open.get(member)?.id === id;
  }

  /** A link stands: sees to it that there is one beside it for as long as it does, if this node dialled the link. */
  async keep(member: DirectoryEntry, link: Connection): Promise<void> {
    const { settings, logger } = this.#ports;
    if (link.direction !== 'outbound') return;
    for (let failures = 0; this.#ports.isLink(member, link); failures += 1) {
      try {
        const connection = await this.#dial(member, link);
        if (connection === null) return;
        const sinceMs = performance.now();
        await ended(connection);
        // One that the other side ends again and again is dialled ever less often.
        if (performance.now() - sinceMs >= settings.redialMsMax) failures = 0;
      } catch (error) {
        const facts = { to: member.id, reason: messageOf(error) };
        logger.log('debug', 'no connection for bulk', facts);
      }
      const pauseMs = redialPauseMs(settings, failures);
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
  }

  /** The other side, which dialled, says hello on `stream`. Rejects when the talk breaks off. */
  async answer(stream: Stream, member: NodeId, connection: Connection): Promise<void> {
    const { consortium, settings } = this.#ports;
    const answer = answerHello(stream, consortium, settings.helloTimeoutMs).then((outcome) => {
      if (outcome === 'same') this.#take(member, connection);
      return outcome;
    });
    this.#answers.set(connection.id, answer);
    try {
      await answer;
    } finally {
      this.#answers.delete(connection.id);
    }
  }

  /** Ends the one with a member: its link is lost. */
  drop(member: NodeId): void {
    this.#open.get(member)?.abort(new NetworkError({ code: 'stream_cut' }));
    this.#open.delete(member);
  }

  /** A connection ended, whichever it was. */
  ended(member: NodeId, connection: Connection): void {
    if (this.has(member, connection)) this.#open.delete(member);
  }

  /** Null when the other side knows of no connections for bulk, or the link is lost meanwhile. */
  async #dial(member: DirectoryEntry, link: Connection): Promise<Connection | null> {
    const { consortium, settings, dial, isLink } = this.#ports;
    const address = link.remoteAddr
      .decapsulate('/p2p')
      .encapsulate(`/p2p/${member.peerId.toString()}`);
    const connection = await dial(address, AbortSignal.timeout(settings.dialTimeoutMs));
    // Then it may serve another dial, of a new link; without a hello it is closed in time.
    if (!isLink(member, link)) return null;
    const { helloTimeoutMs } = settings;
    const outcome = await sayHello(connection, consortium, helloTimeoutMs, bulkProtocol);
    if (outcome !== 'same' || !isLink(member, link)) {
      connection.abort(new NetworkError({ code: 'stream_cut' }));
      return null;
    }
    this.#take(member.id, connection);
    return connection;
  }

  #take(member: NodeId, connection: Connection): void {
    if (connection.status !== 'open') return;
    const before = this.#open.get(member);
    if (before?.id !== connection.id) before?.abort(new NetworkError({ code: 'stream_cut' }));
    this.#open.set(member, connection);
  }
}

async function ended(connection: Connection): Promise<void> {
  await new Promise<void>((resolve) => {
    if (connection.status !== 'open') resolve();
    else {
      connection.addEventListener('close', () => {
        resolve();
      });
    }
  });
}
