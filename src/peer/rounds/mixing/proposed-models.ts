/**
 * What this node thinks of the models that others propose to seal: how far they are from its own, and what its hold-out
 * says. A node without a model of its own takes the word of so many who have one that an honest one is among them.
 */
import { messageOf, type Digest, type NodeId } from '../../../base/index.ts';
import { faultCountMax } from '../../../wire/index.ts';
import type { Judgement } from '../../local-view.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { isRefusedByHoldOut } from '../hold-out.ts';
import type { OwnModel } from './own-mixing.ts';

/** What a look at a model came to. */
type Verdict =
  /** Within the bound of the own model, or as good a model as any where there is no own one. */
  | { readonly kind: 'fits'; readonly isNear: boolean; readonly isRefused: boolean }
  | { readonly kind: 'unfit'; readonly reason: string };

/** Models that others vouch for, each by itself: more are passed over. */
const vouchedMax = 4;

/** See the file's header. */
export class ProposedModels {
  readonly #context: RoundContext;
  readonly #epsilon: number;
  #verdicts = new Map<Digest, Verdict>();
  /** Begun for `#verdicts`: what was begun for those before says nothing any more. */
  #underWay = new Set<Digest>();
  /** By member, models that it calls near. */
  readonly #vouched = new Map<NodeId, Set<Digest>>();

  /** @param epsilon no parameter may be further from the own model than this */
  constructor(context: RoundContext, epsilon: number) {
    this.#context = context;
    this.#epsilon = epsilon;
  }

  /** A member says that a model is near its own. */
  takeNear(from: NodeId, model: Digest): void {
    const known = this.#vouched.get(from) ?? new Set();
    if (known.size >= vouchedMax) return;
    this.#vouched.set(from, known.add(model));
  }

  /** Forgets what was thought without a model of one's own. */
  ownCame(): void {
    this.#verdicts = new Map();
    this.#underWay = new Set();
  }

  /** Another cut: other models. */
  forget(): void {
    this.ownCame();
    this.#vouched.clear();
  }

  /** Models that this node vouches for: said again every tick. */
  near(): Digest[] {
    return [...this.#verdicts].flatMap(([model, verdict]) =>
      verdict.kind === 'fits' && verdict.isNear ? [model] : [],
    );
  }

  /**
   * Judges a proposed model.
   *
   * @param own this node's, if it has mixed
   * @param signers members whose reports name the model as theirs
   * @param mixing members that mix
   */
  judge(
    model: Digest,
    own: OwnModel | null,
    signers: readonly NodeId[],
    mixing: readonly NodeId[],
  ): Judgement {
    if (own?.model === model) return own.isRefused ? 'wait' : 'accept';
    const verdict = this.#verdicts.get(model);
    if (verdict === undefined) {
      this.#look(model, own);
      return 'wait';
    }
    if (verdict.kind === 'unfit') return 'reject';
    // Hold-outs differ: waiting paces the views, as in an exact round.
    if (verdict.isRefused) return 'wait';
    return verdict.isNear || this.#isVouchedFor(model, signers, mixing) ? 'accept' : 'wait';
  }

  #isVouchedFor(model: Digest, signers: readonly NodeId[], mixing: readonly NodeId[]): boolean {
    const { members } = this.#context.consortium.manifest;
    const vouching = mixing.filter(
      (id) => signers.includes(id) || this.#vouched.get(id)?.has(model) === true,
    );
    return vouching.length >= Math.min(faultCountMax(members.length) + 1, mixing.length);
  }

  #look(model: Digest, own: OwnModel | null): void {
    const [verdicts, underWay] = [this.#verdicts, this.#underWay];
    if (underWay.has(model)) return;
    underWay.add(model);
    void this.#verdictOn(model, own)
      .then(
        (verdict) => {
          this.#context.post(() => {
            if (verdicts !== this.#verdicts) return;
            verdicts.set(model, verdict);
            const facts = { round: this.#context.open.r, model: model.slice(0, 12) };
            if (verdict.kind === 'unfit') {
              const told = { ...facts, reason: verdict.reason };
              this.#context.ports.logger.log('error', 'a proposed model is refused', told);
            } else if (verdict.isNear) {
              this.#context.broadcast({ t: 'near', r: this.#context.open.r, model });
            }
          });
        },
        (error: unknown) => {
          // The next question asks again.
          const facts = { round: this.#context.open.r, reason: messageOf(error) };
          this.#context.ports.logger.log('warn', 'a proposed model is not here yet', facts);
        },
      )
      .finally(() => {
        underWay.delete(model);
      });
  }

  async #verdictOn(model: Digest, own: OwnModel | null): Promise<Verdict> {
    const { stage, models, open, ports } = this.#context;
    const layout = await models.layout(stage);
    const other = await models.obtain(stage, model);
    const base = await models.obtain(stage, open.base);
    const reference = own === null ? base : await models.obtain(stage, own.model);
    const outcome = await ports.averager.compare({ layout, own: reference, other });
    if (outcome.kind === 'not_a_model') return { kind: 'unfit', reason: outcome.reason };
    const isNear = own !== null && outcome.apart <= this.#epsilon;
    if (own !== null && !isNear) {
      const reason = `${outcome.apart} from the own model, expected at most ${this.#epsilon}`;
      return { kind: 'unfit', reason };
    }
    const tried = { digest: model, name: other, base };
    const isRefused = await isRefusedByHoldOut(this.#context, tried);
    return { kind: 'fits', isNear, isRefused };
  }
}
