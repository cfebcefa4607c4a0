/** Bodies of blocks on one node: what it would propose now, and what it thinks of others' proposals. */
import type { Clock, Digest, Height } from '../base/index.ts';
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

  constructor(ports: ProposalPorts) {
    this.#ports = ports;
  }

  /** The body this node would propose, or null when nothing is due. */
  due(): Uint8Array | null {
    const { cid, rules, log, clock, envelopesHere, fits } = this.#ports;
    const state = this.#ports.state();
    const ts = Math.max(Math.floor(clock.nowMs()), state.ts);
    const ops = dueOps(state, ts, this.#ports.view(), rules);
    if (ops === null) return null;
    const { epoch: e, prev } = state;
    const bare = { v: 1, cid, e, h: (state.height + 1) as Height, prev, ts, ops } as const;
    const envelopes = envelopesHere(bare);
    if (envelopes === null) return null;
    const body = encodeBlockBody({ ...bare, log: log.logAfter(bare, envelopes) });
    return fits('a block', body, limits.bodyBytesMax) ? body : null;
  }

  /** Judges the body that a member, perhaps this one, proposes. */
  judge(bytes: Uint8Array): Judgement {
    const { cid, rules, log, clock, clockSkewMs, envelopesHere } = this.#ports;
    const state = this.#ports.state();
    let body: BlockBody;
    try {
      body = decodeBlockBody(bytes);
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
