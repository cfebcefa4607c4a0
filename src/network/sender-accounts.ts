/**
 * The accounts of all members, and what follows from them: a turn to wait for, a hang-up for a while, and one line in
 * the log when an episode begins and one when it ends, however many messages it has.
 */
import type { Logger, NodeId } from '../base/index.ts';
import type { MessageCost } from '../wire/index.ts';
import { prices, SenderAccount } from './sender-account.ts';
import type { NetworkSettings } from './settings.ts';

/** An episode without anything to blame for so long is over, ms. */
const quietMs = 60_000;
/** Work done for one member before the others get a turn, ms. */
const turnMs = 2;
/** Longest part of a wait: what was charged meanwhile is looked at again. */
const waitMsMax = 1_000;

interface Sender {
  account: SenderAccount;
  /** Work since the event loop had a turn. */
  sinceTurnMs: number;
  episode: { readonly beganMs: number; readonly reason: string; timer: NodeJS.Timeout } | null;
  /** When it last had to wait. */
  slowedAtMs: number;
  /** Hang-ups in a row; each is twice as long as the one before. */
  hangUps: number;
  hungUpUntilMs: number;
}

/** See the file header. */
export class SenderAccounts {
  readonly #settings: NetworkSettings;
  readonly #logger: Logger;
  readonly #senders = new Map<NodeId, Sender>();
  #onHangUp: (member: NodeId) => void = () => undefined;

  constructor(settings: NetworkSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Sets who ends a member's connections. */
  onHangUp(hangUp: (member: NodeId) => void): void {
    this.#onHangUp = hangUp;
  }

  /** Nobody's account any more: who left the members begins anew when it comes back. */
  forget(member: NodeId): void {
    clearTimeout(this.#senders.get(member)?.episode?.timer);
    this.#senders.delete(member);
  }

  /** Forgets what waits; nothing is logged after. */
  stop(): void {
    for (const { episode } of this.#senders.values()) clearTimeout(episode?.timer);
  }

  /** Whether nothing is taken from this member now. */
  isHungUp(member: NodeId): boolean {
    return (this.#senders.get(member)?.hungUpUntilMs ?? -Infinity) > performance.now();
  }

  /** Whether a broadcast of `bytes` by `author` is to be read. */
  admitBroadcast(author: NodeId, bytes: number): boolean {
    if (this.isHungUp(author)) return false;
    const sender = this.#of(author);
    const outcome = sender.account.broadcast(performance.now(), bytes);
    if (outcome === 'taken') return true;
    this.#blame(author, sender, 'more broadcasts than its share', outcome === 'closed');
    return false;
  }

  /** `relay` passed on a broadcast that is of no use here, for a reason that an honest relay seldom has. */
  uselessBroadcast(relay: NodeId, reason: string): void {
    if (this.isHungUp(relay)) return;
    const sender = this.#of(relay);
    const isOpen = sender.account.excess(performance.now());
    this.#blame(relay, sender, reason, !isOpen);
  }

  /** Waits until a direct message of `bytes` has its turn; false when it is not to be read at all. */
  async admitDirect(from: NodeId, bytes: number): Promise<boolean> {
    if (!(await this.#turn(from))) return false;
    this.#of(from).account.direct(performance.now(), bytes);
    this.#worked(from, prices.message + (bytes / 1024) * prices.kib);
    return true;
  }

  /** Waits until a stream that was opened has its turn; false when it is not to be read at all. */
  async admitStream(from: NodeId): Promise<boolean> {
    this.#of(from).account.stream(performance.now());
    this.#worked(from, prices.stream);
    return this.#turn(from);
  }

  /** Waits before `bytes` of a blob are sent. */
  async admitBulk(to: NodeId, bytes: number): Promise<void> {
    const waitMs = this.#of(to).account.bulk(performance.now(), bytes);
    if (waitMs > 0) await pause(waitMs);
  }

  /** What a member's message cost, as the port has it. */
  charge(member: NodeId, { signatures, refusal }: MessageCost): void {
    const sender = this.#of(member);
    if (signatures > 0) {
      sender.account.signatures(performance.now(), signatures);
      this.#worked(member, signatures * prices.signature);
    }
    if (refusal === undefined || this.isHungUp(member)) return;
    const isOpen = sender.account.fault(performance.now());
    this.#blame(member, sender, refusal, !isOpen);
  }

  /** Faults charged to a member in this episode. */
  refusedCount(member: NodeId): number {
    return this.#of(member).account.counts.refused;
  }

  async #turn(from: NodeId): Promise<boolean> {
    const sender = this.#of(from);
    if (sender.sinceTurnMs >= turnMs) {
      sender.sinceTurnMs = 0;
      // One chunk may hold hundreds of messages: without this the event loop would wait for them all.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    for (;;) {
      if (this.isHungUp(from)) return false;
      const waitMs = sender.account.waitMs(performance.now());
      if (waitMs === 0) return true;
      this.#tellSlowed(from, sender);
      await pause(Math.min(waitMs, waitMsMax));
    }
  }

  /** Says once in a while that a member has to wait: no fault, an honest one that catches up is too fast as well. */
  #tellSlowed(member: NodeId, sender: Sender): void {
    const nowMs = performance.now();
    if (nowMs - sender.slowedAtMs > quietMs) {
      this.#logger.log('info', 'a member sends faster than we take: slowed down', { member });
    }
    sender.slowedAtMs = nowMs;
  }

  #worked(member: NodeId, workMs: number): void {
    this.#of(member).sinceTurnMs += workMs;
  }

  /** Begins an episode or goes on with it; `isOver` ends it with a hang-up. */
  #blame(member: NodeId, sender: Sender, reason: string, isOver: boolean): void {
    const nowMs = performance.now();
    if (sender.episode === null) {
      const timer = setTimeout(() => {
        this.#end(member, sender, 'a member keeps the rules again');
      }, quietMs).unref();
      sender.episode = { beganMs: nowMs, reason, timer };
      sender.account.clearVolume();
      this.#logger.log('warn', "a member's messages are refused", { member, reason });
    }
    if (isOver) this.#hangUp(member, sender);
    else sender.episode.timer.refresh();
  }

  #hangUp(member: NodeId, sender: Sender): void {
    const { hangUpMsMin, hangUpMsMax } = this.#settings;
    const nowMs = performance.now();
    // Who behaved for as long as the longest hang-up begins anew.
    if (nowMs - sender.hungUpUntilMs > hangUpMsMax) sender.hangUps = 0;
    const forMs = Math.min(hangUpMsMax, hangUpMsMin * 2 ** sender.hangUps);
    sender.hangUps = Math.min(sender.hangUps + 1, 30);
    sender.hungUpUntilMs = nowMs + forMs;
    this.#end(member, sender, 'hung up on a member', { forMs });
    sender.account = new SenderAccount(this.#settings, nowMs);
    this.#onHangUp(member);
  }

  #end(
    member: NodeId,
    sender: Sender,
    message: string,
    facts: Readonly<Record<string, number>> = {},
  ): void {
    const { episode, account } = sender;
    if (episode === null) return;
    clearTimeout(episode.timer);
    sender.episode = null;
    const forS = Math.round((performance.now() - episode.beganMs) / 1000);
    const { reason } = episode;
    const { refused, dropped, messages, bytes, signatures } = account.counts;
    const counts = { refused, dropped, messages, bytes, signatures, episodeS: forS };
    account.clearCounts();
    this.#logger.log('warn', message, { member, reason, ...counts, ...facts });
  }

  #of(member: NodeId): Sender {
    let sender = this.#senders.get(member);
    if (sender === undefined) {
      const account = new SenderAccount(this.#settings, performance.now());
      sender = {
        ...{ account, sinceTurnMs: 0, episode: null, slowedAtMs: -Infinity },
        ...{ hangUps: 0, hungUpUntilMs: -Infinity },
      };
      this.#senders.set(member, sender);
    }
    return sender;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}
