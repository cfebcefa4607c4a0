/**
 * Which members are connected, said hello for our consortium, and hear our gossip: only those are peers. A
 * dial that succeeded is not yet membership, and a pair can stay connected while one is deaf to gossip.
 */
import type { NodeId } from '../base/index.ts';

/** How far a connection has come. */
export interface LinkState {
  /** libp2p's id of the connection that said hello. */
  readonly connectionId: string;
  hearsGossip: boolean;
  /** Health checks in a row that found the pair deaf. */
  deafCount: number;
}

/** See the file header. */
export class MemberLinks {
  readonly #links = new Map<NodeId, LinkState>();
  readonly #waiting = new Map<NodeId, Set<() => void>>();
  #listener: (connected: readonly NodeId[]) => void = () => undefined;
  #told = '';

  onChange(listener: (connected: readonly NodeId[]) => void): void {
    this.#listener = listener;
  }

  /** Members that said hello and hear gossip, sorted. */
  peers(): NodeId[] {
    return [...this.#links]
      .filter(([, link]) => link.hearsGossip)
      .map(([id]) => id)
      .sort();
  }

  get(id: NodeId): LinkState | null {
    return this.#links.get(id) ?? null;
  }

  entries(): [NodeId, LinkState][] {
    return [...this.#links];
  }

  saidHello(id: NodeId, connectionId: string): void {
    this.#links.set(id, { connectionId, hearsGossip: false, deafCount: 0 });
    for (const wake of this.#waiting.get(id) ?? []) wake();
    this.#waiting.delete(id);
  }

  /** Marks whether a member hears gossip on its present connection. */
  setHearsGossip(id: NodeId, hears: boolean): void {
    const link = this.#links.get(id);
    if (link === undefined || link.hearsGossip === hears) return;
    link.hearsGossip = hears;
    this.#tell();
  }

  /** Forgets the link if `connectionId` is the one that said hello. */
  lost(id: NodeId, connectionId: string): boolean {
    if (!this.isLink(id, connectionId)) return false;
    this.#links.delete(id);
    this.#tell();
    return true;
  }

  /** Forgets the member's link, whichever connection it is. */
  forget(id: NodeId): void {
    if (this.#links.delete(id)) this.#tell();
  }

  clear(): void {
    this.#links.clear();
    for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
    this.#waiting.clear();
    this.#tell();
  }

  /** Whether the hello was said on this connection. */
  isLink(id: NodeId, connectionId: string): boolean {
    return this.#links.get(id)?.connectionId === connectionId;
  }

  /**
   * Resolves to whether the member's next hello, if none stands now, comes within `timeoutMs` and on this connection: its
   * streams may overtake its hello.
   */
  async helloWithin(id: NodeId, connectionId: string, timeoutMs: number): Promise<boolean> {
    if (this.#links.has(id)) return this.isLink(id, connectionId);
    await new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const timer = setTimeout(() => {
        waiting.delete(wake);
        resolve();
      }, timeoutMs);
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      waiting.add(wake);
    });
    return this.isLink(id, connectionId);
  }

  #tell(): void {
    const peers = this.peers();
    const key = peers.join(' ');
    if (key === this.#told) return;
    this.#told = key;
    this.#listener(peers);
  }
}
