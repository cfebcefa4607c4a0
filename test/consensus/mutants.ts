/** Safety rules with one rule broken each: a harness that does not catch them proves nothing. */
import { SafetyRules, type SignedKind } from '../../src/consensus/index.ts';
import { faultCountMax } from '../../src/wire/index.ts';
import type { Recovered, WalRecord } from '../../src/consensus/index.ts';

class FinalizeAfterNullify extends SafetyRules {
  override maySign(kind: SignedKind, view: number): boolean {
    return kind === 'FINALIZE' ? this.own(kind, view) === null : super.maySign(kind, view);
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

/** A second copy of a key that does not mind its own votes coming back. */
export class TwinRules extends SafetyRules {
  override isUnknown(): boolean {
    return false;
  }
}

/** What to break. `walLoss` is the world's doing: restarts find an empty log. */
export const mutants: Readonly<Record<string, () => SafetyRules>> = {
  'finalize after nullify': () => new FinalizeAfterNullify(),
  'nullify after finalize': () => new NullifyAfterFinalize(),
  'no justification check': () => new NoJustification(),
  'no re-propose': () => new NoRepropose(),
  'low quorum': () => new LowQuorum(),
  'body not persisted': () => new BodyNotPersisted(),
  'certificate not persisted': () => new CertificateNotPersisted(),
};
