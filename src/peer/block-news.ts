/** What decided blocks mean to the people who watch: the peer's events, and a line in its log for each suspension. */
import { invariant, type Digest, type Logger, type NodeId } from '../base/index.ts';
import type { VerifyBytes } from '../crypto/index.ts';
import { readUpdate, type ContentStore, type UpdateFacts } from '../gossip/index.ts';
import {
  changeBetween,
  type BlockBody,
  type Cut,
  type Membership,
  type Open,
  type Seal,
  type SignedManifest,
} from '../wire/index.ts';
import { suspendedBy, type ChainState } from './chain.ts';
import type { PeerEvent, SealedRound } from './events.ts';

/** What `BlockNews` works with. */
export interface BlockNewsPorts {
  readonly content: Pick<ContentStore, 'read'>;
  readonly verifyBytes: VerifyBytes;
  readonly logger: Logger;
  readonly onEvent: (event: PeerEvent) => void;
}

/** What the round under way knows of an update; undefined when another round is asked about. */
export type KnownFacts = (round: number, env: Digest) => UpdateFacts | null | undefined;

interface EndedRound {
  readonly open: Open;
  readonly cut: Cut;
  readonly seal: Seal;
  readonly body: BlockBody;
}

/** See the file's header. */
export class BlockNews {
  readonly #ports: BlockNewsPorts;

  constructor(ports: BlockNewsPorts) {
    this.#ports = ports;
  }

  /**
   * Tells the watchers what a block decided.
   *
   * @param before the chain before it
   * @param versions of the manifest by number, the next one among them if the block puts it in force
   */
  async tell(
    before: ChainState,
    body: BlockBody,
    versions: readonly SignedManifest[],
    known: KnownFacts,
  ): Promise<void> {
    const { onEvent } = this.#ports;
    const consortium = versions[before.epoch];
    invariant(consortium !== undefined, 'the version that decided a block is here');
    const atMs = body.ts;
    for (const op of body.ops) {
      switch (op.op) {
        case 'OPEN': {
          const { r: round, stage, participants } = op;
          onEvent({ kind: 'opened', round, stage, participants, atMs });
          break;
        }
        case 'CUT':
          onEvent({ kind: 'cut', round: op.r, nodes: op.updates.map(({ peer }) => peer) });
          break;
        case 'SEAL': {
          invariant(before.phase.kind === 'cut', 'a seal follows a cut');
          const { open, cut } = before.phase;
          const round = { open, cut, seal: op, body };
          onEvent({ kind: 'sealed', ...(await this.#sealedRound(consortium, round, known)) });
          break;
        }
        case 'MEMBER':
          if (before.phase.kind === 'open' || before.phase.kind === 'cut') {
            const { r: round } = before.phase.open;
            onEvent({ kind: 'void', round, reason: 'restart', height: body.h, atMs });
          }
          onEvent(changed(op, body, consortium, versions[op.version]));
          break;
        case 'EVID':
          this.#tellSuspended(body, consortium);
          break; // `logSuspensions` says it in the log once, when it is decided
        case 'VOID':
          onEvent({ kind: 'void', round: op.r, reason: op.reason, height: body.h, atMs });
      }
    }
  }

  #tellSuspended(body: BlockBody, consortium: SignedManifest): void {
    const { onEvent } = this.#ports;
    for (const index of suspendedBy(body)) {
      const member = consortium.manifest.members[index]?.id;
      if (member !== undefined) onEvent({ kind: 'suspended', member, height: body.h });
    }
  }

  /** Logs whose keys have no vote after this block. */
  logSuspensions(body: BlockBody, { manifest: { members } }: SignedManifest): void {
    for (const index of suspendedBy(body)) {
      const culprit: NodeId | string = members[index]?.id ?? String(index);
      const facts = { culprit, fromHeight: body.h + 1 };
      const what = 'a member is suspended: its key has no vote any more';
      this.#ports.logger.log('error', what, facts);
    }
  }

  async #sealedRound(
    consortium: SignedManifest,
    { open, cut, seal, body }: EndedRound,
    known: KnownFacts,
  ): Promise<SealedRound> {
    const participants = cut.updates.map(async ({ peer, n, env }) => {
      const found = known(open.r, env);
      const facts = found === undefined ? await this.#read(consortium, open, env) : found;
      return {
        ...{ node: peer, weight: n, metricsMilli: facts?.metricsMilli ?? {} },
        updateBytes: facts?.statement.updateBytes ?? 0,
      };
    });
    const isCut = (id: NodeId): boolean => cut.updates.some(({ peer }) => peer === id);
    return {
      ...{ round: seal.r, stage: open.stage, model: seal.agg, atMs: body.ts },
      ...{ height: body.h, logSize: body.log.size },
      participants: await Promise.all(participants),
      excluded: open.participants.filter((id) => !isCut(id)),
      ...(seal.mixed && {
        mixed: { steps: seal.mixed.steps, epsilon: seal.mixed.epsilonNano / 1e9 },
      }),
    };
  }

  /** What an envelope on the disk says; null when it is not here, or damaged. */
  async #read(consortium: SignedManifest, open: Open, env: Digest): Promise<UpdateFacts | null> {
    const { content, verifyBytes } = this.#ports;
    const envelope = await content.read(env);
    return envelope === null ? null : readUpdate(consortium, open, envelope, verifyBytes);
  }
}

function changed(
  { version }: Membership,
  { h: height, ts: atMs }: BlockBody,
  before: SignedManifest,
  after: SignedManifest | undefined,
): PeerEvent {
  invariant(after !== undefined, 'the version that a block puts in force is here');
  const { joined, left, renewed, rerooted } = changeBetween(before.manifest, after.manifest);
  const members = after.manifest.members.map(({ id }) => id);
  return { kind: 'membership', version, height, atMs, members, joined, left, renewed, rerooted };
}
