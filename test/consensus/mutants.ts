/** Safety rules with one rule broken each: a harness that does not catch them proves nothing. */
import {
  SafetyRules,
  type Entered,
  type Proposal,
  type Recovered,
  type SignedKind,
  type Vote,
  type WalRecord,
} from '../../src/consensus/index.ts';
import {
  certificatesOf,
  faultCountMax,
  verifyCertificate,
  type EpochContext,
} from '../../src/wire/index.ts';
import type { SimulationOptions } from './simulation.ts';

class FinalizeAfterNullify extends SafetyRules {
  override maySign(kind: SignedKind, view: number, p = -1): boolean {
    return kind === 'FINALIZE' ? this.own(kind, view) === null : super.maySign(kind, view, p);
  }
}

/** FINALIZE comes with its certificate, which moves the view on; only one who lost it can get here. */
class NullifyAfterFinalize extends SafetyRules {
  override recover(record: WalRecord): Recovered {
    const recovered = super.recover(record);
    return record.t === 'FINALIZE' ? { ...recovered, certificates: [] } : recovered;
  }
  override maySign(kind: SignedKind, view: number): boolean {
    return kind === 'NULLIFY' ? this.own(kind, view) === null : super.maySign(kind, view);
  }
}

class NoJustification extends SafetyRules {
  override isJustified(): boolean {
    return true;
  }
}

class NoRepropose extends SafetyRules {
  override forced(): null {
    return null;
  }
  override isJustified(...args: Parameters<SafetyRules['isJustified']>): boolean {
    const [proposal, context] = args;
    const { nota } = proposal.chain;
    return super.isJustified({ ...proposal, x: nota?.x ?? proposal.x }, context);
  }
}

class LowQuorum extends SafetyRules {
  override quorum(memberCount: number): number {
    return faultCountMax(memberCount) + 1;
  }
}

class BodyNotPersisted extends SafetyRules {
  override recover(record: WalRecord): Recovered {
    const recovered = super.recover(record);
    return record.t === 'NOTARIZE' ? { ...recovered, body: null } : recovered;
  }
}

class CertificateNotPersisted extends SafetyRules {
  override recover(record: WalRecord): Recovered {
    const recovered = super.recover(record);
    return record.t === 'FINALIZE' ? { ...recovered, certificates: [] } : recovered;
  }
}

/** Takes NULLIFY(v, p) for a promise about view v alone. */
class ForgetsWhatItGaveUp extends SafetyRules {
  override maySign(kind: SignedKind, view: number, p = -1): boolean {
    if (kind !== 'FINALIZE') return super.maySign(kind, view, p);
    return this.own(kind, view) === null && this.own('NULLIFY', view) === null;
  }
}

/** Gives up everything, views that it finalized too. */
class GivesUpTooMuch extends SafetyRules {
  override givesUpAfter(): number {
    return -1;
  }
  override maySign(kind: SignedKind, view: number): boolean {
    return kind === 'NULLIFY' ? this.own(kind, view) === null : super.maySign(kind, view);
  }
}

/** Gives up the current view alone, as if all before had a notarization. */
class GivesUpTooLittle extends SafetyRules {
  override givesUpAfter({ view }: Entered): number {
    return view - 1;
  }
}

/** Takes a nullification beside an older notarization than the one behind which its signers gave up. */
class AnyParent extends SafetyRules {
  override isJustified(proposal: Proposal, context: EpochContext): boolean {
    const { nota, nulli } = proposal.chain;
    const isWhole = (nulli ?? nota)?.v === proposal.v - 1 || proposal.v === 0;
    const isSound = certificatesOf(proposal.chain).every((one) => verifyCertificate(one, context));
    return isWhole && isSound && (nota === null || nota.x === proposal.x);
  }
}

/** Loses the notarization behind which its NULLIFY gave up. */
class ParentNotPersisted extends SafetyRules {
  override recover(record: WalRecord): Recovered {
    const recovered = super.recover(record);
    return record.t === 'NULLIFY' ? { ...recovered, certificates: [] } : recovered;
  }
}

/** Does not count what it reads back as signed. */
class VotesAgainAfterRestart extends SafetyRules {
  readonly #forgotten = new Set<string>();
  override recover(record: WalRecord): Recovered {
    if (record.t !== 'DEC') this.#forgotten.add(`${record.t}/${record.v}`);
    return super.recover(record);
  }
  override note(message: Vote | Proposal): void {
    this.#forgotten.delete(`${message.t}/${message.v}`);
    super.note(message);
  }
  override own(kind: SignedKind, view: number): Vote | Proposal | null {
    return this.#forgotten.has(`${kind}/${view}`) ? null : super.own(kind, view);
  }
  override all(): readonly (Vote | Proposal)[] {
    return super.all().filter(({ t, v }) => !this.#forgotten.has(`${t}/${v}`));
  }
}

/** A second copy of a key that does not mind its own votes coming back. */
export class TwinRules extends SafetyRules {
  override isUnknown(): boolean {
    return false;
  }
}

/** What else to break, in the world around the machine. */
export const worldMutants: Readonly<Record<string, Omit<SimulationOptions, 'seed'>>> = {
  'log lost': { walLoss: true },
  'sent before it is written': { writesLate: true },
  'validity not checked': { acceptsAnything: true },
  'order of leaders not fixed': { ownOrder: true },
};

/** Which rule to break. */
export const mutants: Readonly<Record<string, () => SafetyRules>> = {
  'finalize after nullify': () => new FinalizeAfterNullify(),
  'nullify after finalize': () => new NullifyAfterFinalize(),
  'no justification check': () => new NoJustification(),
  'no re-propose': () => new NoRepropose(),
  'low quorum': () => new LowQuorum(),
  'body not persisted': () => new BodyNotPersisted(),
  'certificate not persisted': () => new CertificateNotPersisted(),
  'forgets what it gave up': () => new ForgetsWhatItGaveUp(),
  'gives up too much': () => new GivesUpTooMuch(),
  'gives up too little': () => new GivesUpTooLittle(),
  'any parent': () => new AnyParent(),
  'parent not persisted': () => new ParentNotPersisted(),
  'votes again after a restart': () => new VotesAgainAfterRestart(),
};
