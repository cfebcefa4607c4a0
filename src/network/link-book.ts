/**
 * What an operator wants to know of the link with each member: how it stands, since when, what was last heard, how many bytes
 * passed, and why it does not stand. `MemberConnections` tells what happens; nothing here acts.
 */
import type { Connection } from '@libp2p/interface';
import type { NodeId } from '../base/index.ts';
import type { ByteCounter } from './byte-counter.ts';
import { linkProblems, type LinkProblem } from './link-problem.ts';
import type { DirectoryEntry } from './member-directory.ts';
import type { MemberLinks } from './member-links.ts';

/**
 * `connected`: said hello and hears gossip. `dialing`: this node dials, and no dial has failed since the link was lost.
 * `waiting`: it has to dial this node. `unreachable`: the last dial failed below the list of members. `refused`: one of the two
 * does not want the other; `problem` says which and why.
 */
export type LinkStateName = 'connected' | 'dialing' | 'waiting' | 'unreachable' | 'refused';

/** The link with one member. */
export interface MemberLink {
  readonly member: NodeId;
  readonly state: LinkStateName;
  /** Unix time when this state began, ms. */
  readonly sinceMs: number;
  /** Unix time of the last byte received, ms; null when none was since this node started. */
  readonly heardMs: number | null;
  /** Who dialled: `outbound` this node did. Null unless connected. */
  readonly direction: 'inbound' | 'outbound' | null;
  /** Bytes since this node started, as TCP carries them. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** What is wrong; null when nothing is, or nothing is known. */
  readonly problem: LinkProblem | null;
}

/** What the book looks at. */
export interface LinkBookPorts {
  readonly counter: ByteCounter;
  readonly links: MemberLinks;
  /** All other members. */
  readonly others: () => readonly DirectoryEntry[];
  /** Whether this node dials the member without waiting. */
  readonly isDialler: (member: DirectoryEntry) => boolean;
  /** Whether this node publishes an address. */
  readonly isDialable: () => boolean;
  readonly isHungUp: (member: NodeId) => boolean;
}

interface Page {
  state: LinkStateName;
  sinceMs: number;
  problem: LinkProblem | null;
  readonly open: Set<Connection>;
  /** Of connections that ended. */
  sentBytes: number;
  receivedBytes: number;
  heardMs: number | null;
}

/** See the file's header. */
export class LinkBook {
  readonly #ports: LinkBookPorts;
  readonly #pages = new Map<NodeId, Page>();

  constructor(ports: LinkBookPorts) {
    this.#ports = ports;
  }

  /** All other members, in their order. */
  links(): MemberLink[] {
    return this.#ports.others().map((member) => this.#link(member));
  }

  /** The link with one member. */
  link(member: DirectoryEntry): MemberLink {
    return this.#link(member);
  }

  opened({ id }: DirectoryEntry, connection: Connection): void {
    this.#page(id).open.add(connection);
  }

  closed(member: DirectoryEntry, connection: Connection): void {
    const page = this.#page(member.id);
    if (!page.open.delete(connection)) return;
    const { sentBytes, receivedBytes, heardMs } = this.#ports.counter.of(connection);
    page.sentBytes += sentBytes;
    page.receivedBytes += receivedBytes;
    page.heardMs = latest(page.heardMs, heardMs);
    this.look(member);
  }

  /** What is wrong with a link, or that nothing is any more. */
  found(member: DirectoryEntry, problem: LinkProblem | null): void {
    this.#page(member.id).problem = problem;
    this.look(member);
  }

  /** Forgets members that are none any more, or have another key. */
  forget(ids: readonly NodeId[]): void {
    for (const id of ids) this.#pages.delete(id);
  }

  /** Something may have changed: notes the time when it did. */
  look(member: DirectoryEntry): void {
    const page = this.#page(member.id);
    const { state } = this.#stateOf(member, page);
    if (state === page.state) return;
    page.state = state;
    page.sinceMs = Date.now();
  }

  #link(member: DirectoryEntry): MemberLink {
    this.look(member);
    const page = this.#page(member.id);
    const connectionId = this.#ports.links.get(member.id)?.connectionId;
    let { sentBytes, receivedBytes, heardMs } = page;
    let direction: MemberLink['direction'] = null;
    for (const connection of page.open) {
      const counted = this.#ports.counter.of(connection);
      sentBytes += counted.sentBytes;
      receivedBytes += counted.receivedBytes;
      heardMs = latest(heardMs, counted.heardMs);
      if (connection.id === connectionId) ({ direction } = connection);
    }
    const { state, problem } = this.#stateOf(member, page);
    const { sinceMs } = page;
    return {
      ...{ member: member.id, state, sinceMs, heardMs, direction },
      ...{ sentBytes, receivedBytes, problem },
    };
  }

  #stateOf(member: DirectoryEntry, page: Page): Pick<MemberLink, 'state' | 'problem'> {
    const { links, isDialler, isDialable, isHungUp } = this.#ports;
    if (isHungUp(member.id)) return { state: 'refused', problem: linkProblems.hungUp };
    const link = links.get(member.id);
    if (link?.hearsGossip === true) return { state: 'connected', problem: null };
    if (link !== null) {
      return { state: 'dialing', problem: link.deafCount > 0 ? linkProblems.deaf : null };
    }
    const { problem } = page;
    if (problem !== null) {
      const isRefused = problem.layer === 'membership' || problem.layer === 'version';
      return { state: isRefused ? 'refused' : 'unreachable', problem };
    }
    if (isDialler(member)) return { state: 'dialing', problem: null };
    if (member.addresses.length === 0 && !isDialable()) {
      return { state: 'unreachable', problem: linkProblems.noAddress };
    }
    return { state: 'waiting', problem: null };
  }

  #page(id: NodeId): Page {
    let page = this.#pages.get(id);
    if (page === undefined) {
      page = {
        ...{ state: 'dialing', sinceMs: Date.now(), problem: null, open: new Set() },
        ...{ sentBytes: 0, receivedBytes: 0, heardMs: null },
      };
      this.#pages.set(id, page);
    }
    return page;
  }
}

function latest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
