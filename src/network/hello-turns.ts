/**
 * Which of two connections of a pair stays, when both members dialled at once. The one with the lower peer id decides:
 * it has one hello at a time with the other, and after one that succeeded it closes a further connection instead of
 * saying or answering hello on it. The other never decides, so the two cannot take different ones. What stands is never
 * moved: before its hello a connection carries nothing, so nothing is lost with one that has none.
 */
import type { Connection } from '@libp2p/interface';
import type { Logger } from '../base/index.ts';
import { NetworkError } from './errors.ts';
import type { HelloOutcome } from './hello-protocol.ts';
import { isLower, type DirectoryEntry } from './member-directory.ts';
import type { MemberLinks } from './member-links.ts';

/** What the turns need of the connections. */
export interface HelloPorts {
  readonly own: DirectoryEntry;
  readonly links: MemberLinks;
  readonly logger: Logger;
  /** All connections with a member. */
  readonly connections: (member: DirectoryEntry) => readonly Connection[];
  /** Closes all of them. */
  readonly hangUp: (member: DirectoryEntry) => void;
  /** A hello was said and answered. */
  readonly done: (member: DirectoryEntry, connection: Connection, outcome: HelloOutcome) => void;
}

/** See the file header. */
export class HelloTurns {
  readonly #ports: HelloPorts;
  readonly #last = new Map<DirectoryEntry, Promise<HelloOutcome>>();

  constructor(ports: HelloPorts) {
    this.#ports = ports;
  }

  /**
   * Has the hello on a connection unless another stands, by `talk`. Resolves to what it came to, 'same' if another stands;
   * rejects when the talk broke off, the connection is then cut.
   */
  async take(
    member: DirectoryEntry,
    connection: Connection,
    talk: () => Promise<HelloOutcome>,
  ): Promise<HelloOutcome> {
    const greet = async (): Promise<HelloOutcome> => this.#greet(member, connection, talk);
    if (!isLower(this.#ports.own, member)) return greet();
    const before = this.#last.get(member) ?? Promise.resolve('same');
    const mine = before.then(greet, greet);
    this.#last.set(member, mine);
    return mine;
  }

  async #greet(
    member: DirectoryEntry,
    connection: Connection,
    talk: () => Promise<HelloOutcome>,
  ): Promise<HelloOutcome> {
    if (!this.#hasRoom(member, connection)) return 'same';
    try {
      const outcome = await talk();
      this.#ports.done(member, connection, outcome);
      return outcome;
    } catch (error) {
      connection.abort(new NetworkError({ code: 'stream_cut' }, { cause: error }));
      throw error;
    }
  }

  /** Whether no other connection stands in the way of a hello on this one; if one does, closes what is not to stay. */
  #hasRoom(member: DirectoryEntry, connection: Connection): boolean {
    const { own, links, logger, connections, hangUp } = this.#ports;
    const link = links.get(member.id);
    if (link === null || link.connectionId === connection.id) return true;
    const standing = connections(member).find(({ id }) => id === link.connectionId);
    const hasCrossed = standing !== undefined && standing.direction !== connection.direction;
    const mayClose = isLower(own, member) || connection.direction === 'outbound';
    if (hasCrossed && mayClose) {
      logger.log('debug', 'dials crossed, closing one', { peer: member.id });
      connection.abort(new NetworkError({ code: 'stream_cut' }));
    } else {
      // Who has a hello anew lost the first connection, and we did not notice. Gossip does not move: start afresh.
      logger.log('debug', 'a hello on a second connection, hanging up both', { peer: member.id });
      hangUp(member);
    }
    return false;
  }
}
