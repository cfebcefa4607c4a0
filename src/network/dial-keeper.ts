/**
 * Keeps a link to every other member, for ever. libp2p's own keep-alive gives up after 67 s. The
 * lower peer id dials; the other dials too when nothing came for a while, since some firewalls only let
 * connections out, and at once when nobody knows where to dial it. Dials may cross: `MemberConnections` keeps one.
 */
import { messageOf, type Logger, type NodeId } from '../base/index.ts';
import { isLower, type DirectoryEntry } from './member-directory.ts';
import type { NetworkSettings } from './settings.ts';

/** What the keeper needs of its node. */
export interface DialPorts {
  readonly settings: NetworkSettings;
  readonly logger: Logger;
  readonly isConnected: (member: DirectoryEntry) => boolean;
  /** Dials and says hello; rejects when either fails. */
  readonly dial: (member: DirectoryEntry) => Promise<void>;
}

interface Watched {
  readonly member: DirectoryEntry;
  readonly isLower: boolean;
  failures: number;
  /** The dial under way. */
  attempt: Promise<void> | null;
  timer: NodeJS.Timeout | null;
}

/** See the file header. */
export class DialKeeper {
  readonly #ports: DialPorts;
  readonly #watched = new Map<NodeId, Watched>();
  #state: 'new' | 'running' | 'stopped' = 'new';

  readonly #self: DirectoryEntry;

  constructor(self: DirectoryEntry, others: readonly DirectoryEntry[], ports: DialPorts) {
    this.#ports = ports;
    this.#self = self;
    this.follow(others);
  }

  /** These are the others from now on: new ones are dialled, and who is not among them no more. */
  follow(others: readonly DirectoryEntry[]): void {
    for (const watched of this.#watched.values()) {
      if (others.includes(watched.member)) continue;
      if (watched.timer !== null) clearTimeout(watched.timer);
      this.#watched.delete(watched.member.id);
    }
    for (const member of others) {
      if (this.#watched.has(member.id)) continue;
      const watched: Watched = {
        ...{ member, isLower: isLower(this.#self, member) },
        ...{ failures: 0, attempt: null, timer: null },
      };
      this.#watched.set(member.id, watched);
      if (this.#state === 'running') this.#begin(watched);
    }
  }

  start(): void {
    this.#state = 'running';
    for (const watched of this.#watched.values()) this.#begin(watched);
  }

  stop(): void {
    this.#state = 'stopped';
    for (const { timer } of this.#watched.values()) if (timer !== null) clearTimeout(timer);
  }

  #begin(watched: Watched): void {
    const { reverseDialAfterMs } = this.#ports.settings;
    this.#schedule(watched, this.#dialsFirst(watched) ? 0 : reverseDialAfterMs);
  }

  /** A connection ended: dial again soon, or wait for the other to. */
  lost(member: DirectoryEntry): void {
    const watched = this.#of(member);
    if (watched?.attempt !== null) return;
    this.#schedule(watched, this.#dialsFirst(watched) ? this.#pauseMs(watched) : this.#reverseMs());
  }

  /** A member's addresses changed: try them now. */
  learned(member: DirectoryEntry): void {
    const watched = this.#of(member);
    if (watched !== null && this.#dialsFirst(watched)) this.#schedule(watched, 0);
  }

  /** A member said hello: forget its failures. */
  reached(member: DirectoryEntry): void {
    const watched = this.#of(member);
    if (watched !== null) watched.failures = 0;
  }

  #of(member: DirectoryEntry): Watched | null {
    const watched = this.#watched.get(member.id);
    return watched?.member === member ? watched : null;
  }

  /** Whether this node dials the member without waiting to be dialled first. */
  isDialler(member: DirectoryEntry): boolean {
    const watched = this.#of(member);
    return watched !== null && this.#dialsFirst(watched);
  }

  /** Dials a member now, whoever's turn it is, unless it is connected; resolves when that succeeded or failed. */
  async dialNow(member: DirectoryEntry): Promise<void> {
    const watched = this.#of(member);
    if (watched !== null) await this.#attempt(watched);
  }

  #dialsFirst({ isLower, member }: Watched): boolean {
    if (member.addresses.length === 0) return false;
    return isLower || this.#self.addresses.length === 0;
  }

  #schedule(watched: Watched, delayMs: number): void {
    // Whoever left the members meanwhile is not dialled again.
    if (this.#state !== 'running' || this.#watched.get(watched.member.id) !== watched) return;
    if (watched.timer !== null) clearTimeout(watched.timer);
    watched.timer = setTimeout(() => {
      watched.timer = null;
      void this.#attempt(watched);
    }, delayMs);
  }

  async #attempt(watched: Watched): Promise<void> {
    if (this.#state !== 'running' || this.#ports.isConnected(watched.member)) return;
    if (watched.member.addresses.length === 0) return;
    watched.attempt ??= this.#dial(watched);
    await watched.attempt;
  }

  async #dial(watched: Watched): Promise<void> {
    const { member } = watched;
    try {
      await this.#ports.dial(member);
    } catch (error) {
      watched.failures += 1;
      const facts = { to: member.id, failures: watched.failures, reason: messageOf(error) };
      this.#ports.logger.log('debug', 'dial failed', facts);
    } finally {
      watched.attempt = null;
    }
    if (!this.#ports.isConnected(member)) this.#schedule(watched, this.#pauseMs(watched));
  }

  #pauseMs({ failures }: Watched): number {
    return redialPauseMs(this.#ports.settings, failures);
  }

  #reverseMs(): number {
    return this.#ports.settings.reverseDialAfterMs * (0.5 + Math.random() / 2);
  }
}

/** Before another dial: doubles with each failure; half of it is chance, so that a whole consortium does not dial in step. */
export function redialPauseMs(
  { redialMsMin, redialMsMax }: Pick<NetworkSettings, 'redialMsMin' | 'redialMsMax'>,
  failures: number,
): number {
  const fullMs = Math.min(redialMsMax, redialMsMin * 2 ** Math.min(failures, 20));
  return fullMs * (0.5 + Math.random() / 2);
}
