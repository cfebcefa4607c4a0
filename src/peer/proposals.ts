/** Bodies of blocks on one node: what it would propose now, and what it thinks of others' proposals. */
import { doNow, type Clock, type Digest, type Height, type PureWork } from '../base/index.ts';
import type { ConsortiumLog } from '../audit/index.ts';
import { decodeBlockBody, encodeBlockBody, limits, type BlockBody } from '../wire/index.ts';
import { dueOps, judgeOps, type RuleContext } from './block-rules.ts';
import type { Judgement, LocalView } from './local-view.ts';
import type { ChainState } from './chain.ts';

/** What `Proposals` works with. */
export interface ProposalPorts {
  readonly cid: Digest;
  readonly rules: RuleContext;
  readonly log: Pick<ConsortiumLog, 'logAfter'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly clockSkewMs: number;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
  readonly state: () => ChainState;
  readonly view: () => LocalView;
  /** The envelopes that a block names, if all are here; null otherwise. */
  readonly envelopesHere: (body: Pick<BlockBody, 'ops'>) => Uint8Array[] | null;
  /** Whether a body of this size may be proposed; logs it otherwise. */
  readonly fits: (what: string, bytes: Uint8Array, bytesMax: number) => boolean;
}

/** See the file's header. Asked only while all decided blocks are applied. */
export class Proposals {
  readonly #ports: ProposalPorts;
  /** The height after which what is due was too large to be proposed. */
  #oversizedAt = -1;

  constructor(ports: ProposalPorts) {
    this.#ports = ports;
  }

  /** Whether this node would propose something. Asked after every message, so it makes no body. */
  isDue(): boolean {
    return this.#oversizedAt !== this.#ports.state().height && this.#bare() !== null;
  }

  /** The body this node would propose, or null when nothing is due. */
  due(): Uint8Array | null {
    const { log, fits } = this.#ports;
    const found = this.#bare();
    if (found === null) return null;
    const { bare, envelopes } = found;
    const body = encodeBlockBody({ ...bare, log: log.logAfter(bare, envelopes) });
    if (fits('a block', body, limits.bodyBytesMax)) return body;
    this.#oversizedAt = this.#ports.state().height;
    return null;
  }

  /** What is due but for its place in the log, and the envelopes that it names. */
  #bare(): { readonly bare: Omit<BlockBody, 'log'>; readonly envelopes: Uint8Array[] } | null {
    const { cid, rules, clock, envelopesHere } = this.#ports;
    const state = this.#ports.state();
    const ts = Math.max(Math.floor(clock.nowMs()), state.ts);
    const ops = dueOps(state, ts, this.#ports.view(), rules);
    if (ops === null) return null;
    const { epoch: e, prev } = state;
    const bare = { v: 1, cid, e, h: (state.height + 1) as Height, prev, ts, ops } as const;
    const envelopes = envelopesHere(bare);
    return envelopes === null ? null : { bare, envelopes };
  }

  /** Judges the body that a member, perhaps this one, proposes. */
  judge(bytes: Uint8Array): Judgement {
    const { cid, rules, log, clock, clockSkewMs, envelopesHere, pure = doNow } = this.#ports;
    const state = this.#ports.state();
    let body: BlockBody;
    try {
      body = pure(decodeBlockBody, bytes);
    } catch {
      return 'reject';
    }
    const skewMs = Math.abs(body.ts - clock.nowMs());
    const isNext =
      body.cid === cid &&
      body.e === state.epoch &&
      body.h === state.height + 1 &&
      body.prev === state.prev;
    if (!isNext || body.ts < state.ts || skewMs > clockSkewMs) return 'reject';
    const verdict = judgeOps(state, body, this.#ports.view(), rules);
    if (verdict !== 'accept') return verdict;
    const envelopes = envelopesHere(body);
    if (envelopes === null) return 'wait';
    const after = log.logAfter(body, envelopes);
    return after.size === body.log.size && after.root === body.log.root ? 'accept' : 'reject';
  }
}
