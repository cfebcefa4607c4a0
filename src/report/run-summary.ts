/** What became of a run, from its record alone: whether it is good, what was missed, and a short document for scripts. */
import type {
  EvaluationRow,
  FaultRecord,
  LogVerdict,
  RunRecord,
  VirtualRecord,
} from './run-record.ts';

/** A round that was closed without a member: the models are other ones than they would have been. */
export interface MissedRound {
  readonly node: string;
  /** Stage and number of the round in it: `student 2`. */
  readonly round: string;
  /** By `--kill`, or by a fault of a virtual world: then it is no surprise. */
  readonly isAsked: boolean;
}

/** A run in short, for scripts. */
export interface RunSummary {
  readonly id: string;
  readonly preset: string;
  readonly seed: number;
  readonly folder: string;
  /** One model everywhere, and a log that verifies. */
  readonly ok: boolean;
  /** From its beginning to its end, pauses left out. */
  readonly ms: number;
  readonly missed: readonly MissedRound[];
  readonly sealedDigest: string | null;
  readonly models: readonly { readonly node: string; readonly digest: string | null }[];
  readonly log: LogVerdict;
  readonly evaluation: readonly EvaluationRow[];
  readonly faults: readonly FaultRecord[];
  /** Of a run in virtual time, else null. */
  readonly virtual: VirtualRecord | null;
}

/** @param folder where the run was written */
export function summaryOf(record: RunRecord, folder: string): RunSummary {
  const { id, seed, preset, sealedDigest, log, nodes, evaluation, faults, virtual } = record;
  return {
    ...{ id, preset, seed, folder },
    ok: isGood(record),
    ms: elapsedMs(record),
    missed: missedRounds(record),
    sealedDigest,
    models: nodes.map((node) => ({ node: node.id, digest: node.modelDigest })),
    ...{ log, evaluation, faults, virtual },
  };
}

/** From start to end by the record's own times, pauses left out. */
export function elapsedMs({ startedAt, finishedAt }: RunRecord): number {
  // eslint-disable-next-line no-restricted-globals -- reads what was written; reads no clock
  const [start, end] = [startedAt, finishedAt].map((time) => Date.parse(time));
  return (end ?? 0) - (start ?? 0);
}

function isGood({ nodes, sealedDigest, log }: RunRecord): boolean {
  return (
    log.ok &&
    sealedDigest !== null &&
    nodes.every(({ modelDigest }) => modelDigest === sealedDigest)
  );
}

function missedRounds({ rounds, faults, virtual }: RunRecord): MissedRound[] {
  // An attack, and faults of a network, keep away whom they do not name.
  const isDisturbed =
    virtual !== null && (virtual.faults.length > 0 || virtual.attack !== undefined);
  return rounds.flatMap(({ stage, stageRound, round, excluded }) =>
    excluded.map(({ node }) => ({
      node,
      round: `${stage} ${stageRound}`,
      isAsked:
        isDisturbed ||
        faults.some(
          (fault) => fault.kind === 'killed' && fault.node === node && fault.round <= round,
        ),
    })),
  );
}
