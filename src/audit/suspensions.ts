/** Which members' keys the decided blocks have suspended: a certificate counts only those that have a vote at its height. */
import { keyBytes, verifyEvidence, type BlockBody, type SignedManifest } from '../wire/index.ts';
import { decisionName } from './log-files.ts';
import type { Report } from './verdict.ts';

/** Folds the blocks in order of height. */
export class Suspensions {
  #consortium: SignedManifest;
  #epoch: number;
  readonly #report: Report;
  #from = new Map<number, number>();

  /** @param epoch of the membership that the blocks are decided by */
  constructor(consortium: SignedManifest, epoch: number, report: Report) {
    this.#consortium = consortium;
    this.#epoch = epoch;
    this.#report = report;
  }

  /** By index in the manifest, the first height at which a member has no vote. */
  get from(): ReadonlyMap<number, number> {
    return this.#from;
  }

  /** The next version is in force: a suspension follows the consensus key, to its new index or away with it. */
  enter(next: SignedManifest): void {
    const before = this.#consortium.manifest.members;
    const after = next.manifest.members;
    const kept = [...this.#from].flatMap(([index, from]) => {
      const key = before[index]?.consensusKey;
      const now = after.findIndex(({ consensusKey }) => consensusKey === key);
      return now < 0 ? [] : [[now, from] as const];
    });
    this.#from = new Map(kept);
    this.#consortium = next;
    this.#epoch = next.manifest.version;
  }

  /** Takes the EVID of a block: alone in it, proving something, against a member not yet suspended. */
  take(body: BlockBody): void {
    const { cid, manifest } = this.#consortium;
    const members = manifest.members.map(({ consensusKey }) => ({
      publicKey: keyBytes(consensusKey),
    }));
    for (const op of body.ops) {
      if (op.op !== 'EVID') continue;
      const where = `${decisionName(body.h)} EVID`;
      const context = { cid, epoch: this.#epoch, members, suspendedFrom: this.#from };
      const culprit = verifyEvidence(op.pair, context);
      const isKnown = op.pair.a.h <= body.h;
      if (body.ops.length > 1) this.#report.find(where, 'it does not stand alone in its block');
      if (culprit === null || !isKnown) {
        this.#report.find(where, 'the evidence proves nothing');
      } else if (this.#from.has(culprit)) {
        const { id } = manifest.members[culprit] ?? { id: String(culprit) };
        this.#report.find(where, `the key of ${id} is suspended already`);
      } else this.#from.set(culprit, body.h + 1);
    }
  }
}
