/**
 * Listens to a run and writes down what its report will say; passes progress on to whoever watches.
 * In one file because every event changes the one record.
 */
import type { Clock, NodeId } from '../../base/index.ts';
import type { LogVerdict as NodeVerdict } from '../../audit/index.ts';
import {
  type HospitalSettings,
  type RunSettings,
  taughtTasks,
  trainingCaseCount,
} from '../../config/index.ts';
import { tasks } from '../../data/index.ts';
import {
  recordVersion,
  type EvaluationGroup,
  type EvaluationRow,
  type FaultRecord,
  type HospitalRecord,
  type LogVerdict,
  type MachineRecord,
  type NodeRecord,
  type OnProgress,
  type PlannedStage,
  type RoundCheck,
  type RoundRecord,
  type RunRecord,
  type SlicePicture,
  type StageTime,
  type TaskRecord,
  type VirtualRecord,
} from '../../report/index.ts';
import type { PeerEvent } from '../../peer/index.ts';
import type { PlanStage, SignedManifest } from '../../wire/index.ts';

interface OpenedRound {
  readonly stage: string;
  readonly stageRound: number;
  readonly openedAtMs: number;
}

/** A part of a run that is no stage of its plan. */
export interface OtherPart {
  readonly id: string;
  readonly title: string;
  /** How long it takes, roughly, in shares of all training. */
  readonly share: number;
}

/** Before and after the stages of the plan. */
export interface OtherParts {
  readonly before: readonly OtherPart[];
  readonly after: readonly OtherPart[];
}

/** Of the main job. */
export const mainJobParts: OtherParts = {
  before: [
    { id: 'data', title: 'cases', share: 0.08 },
    { id: 'network', title: 'peers find each other', share: 0.01 },
  ],
  after: [
    { id: 'evaluation', title: 'held-out cases', share: 0.12 },
    { id: 'log', title: 'logs verified', share: 0.01 },
  ],
};

/** What the evaluation of a run yields. */
export interface RunEvaluation {
  readonly rows: readonly EvaluationRow[];
  readonly groups: readonly EvaluationGroup[];
  /** By model digest. */
  readonly checks: ReadonlyMap<string, readonly RoundCheck[]>;
}

/** Made at the beginning of a run; `record` gives the record at its end. */
export class RunRecorder {
  readonly #settings: RunSettings;
  readonly #id: string;
  readonly #onProgress: OnProgress;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #startedAtMs: number;
  readonly #stages: StageTime[] = [];
  /** Parts outside the plan, by the run's clock; one under way has no end yet. */
  readonly #parts: { readonly fromMs: number; readonly toMs: number | null }[] = [];
  readonly #opened = new Map<number, OpenedRound>();
  readonly #rounds: RoundRecord[] = [];
  readonly #faults: FaultRecord[] = [];
  readonly #stageStartedAtMs = new Map<string, number>();
  #consortium: SignedManifest | null = null;
  #evaluation: RunEvaluation = { rows: [], groups: [], checks: new Map() };
  #slices: readonly SlicePicture[] = [];
  #nodes: readonly NodeRecord[] = [];
  #log: LogVerdict | null = null;

  /** @param startedAtMs when the run began, on its own clock: before this process, if it goes on here */
  constructor(
    settings: RunSettings,
    id: string,
    onProgress: OnProgress,
    clock: Pick<Clock, 'nowMs'>,
    startedAtMs: number,
  ) {
    this.#settings = settings;
    this.#id = id;
    this.#onProgress = onProgress;
    this.#clock = clock;
    this.#startedAtMs = startedAtMs;
  }

  /** Every sealed or void round so far. */
  get rounds(): readonly RoundRecord[] {
    return this.#rounds;
  }

  /** @param parts what there is to do beside the stages of the plan */
  begin(consortium: SignedManifest, parts: OtherParts): void {
    this.#consortium = consortium;
    const { members, plan } = consortium.manifest;
    const trained = plan.stages.map((stage): PlannedStage => ({
      id: stage.id,
      title: titleOf(stage),
      rounds: stage.rounds,
      cost:
        stage.rounds *
        stage.stepsPerRound *
        stage.participants.length *
        (stage.kind === 'student' ? 2.5 : 1),
    }));
    const training = trained.reduce((sum, { cost }) => sum + cost, 0);
    const planned = ({ id, title, share }: OtherPart): PlannedStage => {
      return { id, title, rounds: 0, cost: training * share };
    };
    this.#onProgress({
      kind: 'run-started',
      id: this.#id,
      hospitals: members.map(({ id }) => id),
      stages: [...parts.before.map(planned), ...trained, ...parts.after.map(planned)],
    });
  }

  /** Runs one part of the job and notes how long it took. */
  async during<T>(id: string, title: string, work: () => Promise<T>): Promise<T> {
    const part: { readonly fromMs: number; toMs: number | null } = {
      fromMs: this.#clock.nowMs(),
      toMs: null,
    };
    this.#parts.push(part);
    this.#onProgress({ kind: 'stage-started', stage: id });
    const result = await work();
    part.toMs = this.#clock.nowMs();
    const ms = part.toMs - part.fromMs;
    this.#stages.push({ id, title, ms });
    this.#onProgress({ kind: 'stage-finished', stage: id, ms });
    return result;
  }

  stageProgress(stage: string, done: number, total: number, what: string): void {
    this.#onProgress({ kind: 'stage-progress', stage, done, total, what });
  }

  /** Stage and number in the stage of a round, once it was opened. */
  roundOf(round: number): { readonly stage: string; readonly stageRound: number } | null {
    return this.#opened.get(round) ?? null;
  }

  peerEvent(node: NodeId, event: PeerEvent): void {
    switch (event.kind) {
      case 'opened':
        this.#open(event);
        if (event.participants.includes(node)) this.#state(node, 'waiting');
        else this.#state(node, 'resting');
        return;
      case 'working': {
        if (event.work === 'mix') return; // its update is on its way all the same
        const { done, total, loss } = event.progress;
        const share = total > 0 ? done / total : 0;
        const state = event.work === 'prepare' ? 'preparing' : 'training';
        this.#onProgress({
          kind: 'hospital',
          node,
          state,
          done: share,
          ...(loss === undefined ? {} : { loss }),
        });
        return;
      }
      case 'announced':
        this.#state(node, 'sending');
        return;
      case 'cut':
        this.#state(node, 'waiting');
        return;
      case 'sealed':
        this.#seal(event);
        this.#state(node, 'sealed');
        return;
      case 'void':
        this.#void(event);
        return;
      case 'caught-up':
        this.#fault(
          node,
          'caught-up',
          [...this.#opened.keys()].at(-1) ?? 0,
          `it holds the chain up to height ${event.height} again`,
        );
        return;
      case 'done':
      case 'left':
        this.#state(node, 'resting');
        return;
      // Whose updates are here the cut says; the members of a run stay as they are; the log is part of the record; and heartbeats on
      // one machine say nothing.
      case 'update-held':
      case 'membership':
      case 'restart':
      case 'fork':
      case 'false-sum':
      case 'suspended':
      case 'retired':
      case 'heard':
    }
  }

  killed(node: NodeId, round: number): void {
    this.#fault(
      node,
      'killed',
      round,
      'its peer was stopped in the middle of local training, as asked',
    );
    this.#state(node, 'away');
  }

  restarted(node: NodeId, round: number): void {
    this.#fault(node, 'restarted', round, 'started again from its own disk');
    this.#state(node, 'catching up');
  }

  note(
    node: NodeId,
    level: 'warn' | 'error',
    message: string,
    facts: Readonly<Record<string, string | number>>,
  ): void {
    const details = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
    const text = [`${node}: ${message}`, ...details].join(', ');
    this.#onProgress({ kind: 'note', level: level === 'error' ? 'warn' : 'info', text });
  }

  /** A word on the run as a whole. */
  say(level: 'warn' | 'info', text: string): void {
    this.#onProgress({ kind: 'note', level, text });
  }

  evaluated(evaluation: RunEvaluation): void {
    this.#evaluation = evaluation;
  }

  pictured(slices: readonly SlicePicture[]): void {
    this.#slices = slices;
  }

  ended(nodes: readonly NodeRecord[]): void {
    this.#nodes = nodes;
  }

  /** Something goes wrong in a virtual world, or is over. @param node the member, or `all` */
  disturbed(node: string, kind: FaultRecord['kind'], note: string): void {
    this.#fault(node, kind, [...this.#opened.keys()].at(-1) ?? 0, note);
    if (kind === 'killed') this.#state(node, 'away');
    if (kind === 'restarted') this.#state(node, 'catching up');
  }

  /** What was found about the logs, where they are judged elsewhere. */
  judged(log: LogVerdict): void {
    this.#log = log;
  }

  verified(verdicts: readonly { readonly id: NodeId; readonly verdict: NodeVerdict }[]): void {
    const [first] = verdicts;
    const findings = verdicts.flatMap(({ id, verdict }) =>
      verdict.findings.map(({ where, what }) => `${id}: ${where}: ${what}`),
    );
    const roots = new Set(verdicts.map(({ verdict }) => verdict.root));
    if (roots.size > 1) findings.push('the nodes hold different logs');
    this.#log = {
      ok: findings.length === 0 && verdicts.every(({ verdict }) => verdict.ok),
      nodesVerified: verdicts.filter(({ verdict }) => verdict.ok).length,
      entries: first?.verdict.treeSize ?? 0,
      root: first?.verdict.root ?? '',
      cosignatures: first?.verdict.cosignedBy.length ?? 0,
      quorum: first?.verdict.quorum ?? 0,
      findings,
    };
  }

  /**
   * The record of the run as it ended.
   * @param machine what it ran on; null in virtual time, which passes alike everywhere
   * @param virtual of a run in virtual time
   */
  record(machine: MachineRecord | null, virtual: VirtualRecord | null = null): RunRecord {
    const { hospitals } = this.#settings.consortium;
    const finishedAtMs = this.#clock.nowMs();
    const sealedDigest =
      this.#rounds
        .filter(({ stage, modelDigest }) => stage === 'student' && modelDigest !== null)
        .at(-1)?.modelDigest ?? null;
    const log = this.#log ?? {
      ok: false,
      nodesVerified: 0,
      entries: 0,
      root: '',
      cosignatures: 0,
      quorum: 0,
      findings: ['not verified'],
    };
    this.#onProgress({
      kind: 'run-finished',
      modelDigest: sealedDigest,
      allEqual: this.#nodes.every(({ modelDigest }) => modelDigest === sealedDigest),
      logOk: log.ok,
    });
    return {
      version: recordVersion,
      id: this.#id,
      preset: this.#settings.preset,
      seed: this.#settings.seed,
      startedAt: isoTime(this.#startedAtMs),
      finishedAt: isoTime(finishedAtMs),
      machine,
      virtual,
      consortium: {
        name: this.#settings.consortium.name,
        id: this.#consortium?.cid ?? '',
        tasks: taskRecords(this.#settings),
        hospitals: hospitals.map(hospitalRecord),
      },
      stages: this.#stages,
      rounds: this.#rounds.map((round) => ({
        ...round,
        checks: this.#evaluation.checks.get(round.modelDigest ?? '') ?? [],
      })),
      evaluation: this.#evaluation.rows,
      groups: this.#evaluation.groups,
      slices: this.#slices,
      nodes: this.#nodes,
      sealedDigest,
      log,
      faults: this.#faults,
      settings: this.#settings,
    };
  }

  #open(event: Extract<PeerEvent, { kind: 'opened' }>): void {
    if (this.#opened.has(event.round)) return;
    const { stage, round, participants, atMs } = event;
    const stageRound = this.#sealedCount(stage) + 1;
    if (!this.#stageStartedAtMs.has(stage)) {
      this.#stageStartedAtMs.set(stage, atMs);
      this.#onProgress({ kind: 'stage-started', stage });
    }
    this.#opened.set(round, { stage, stageRound, openedAtMs: atMs });
    this.#onProgress({ kind: 'round-started', stage, stageRound, participants });
  }

  #seal(event: Extract<PeerEvent, { kind: 'sealed' }>): void {
    const opened = this.#opened.get(event.round);
    if (opened === undefined || this.#rounds.some(({ round }) => round === event.round)) return;
    const { stage, stageRound } = opened;
    const participants = event.participants.map(({ node, weight, metricsMilli }) => ({
      node,
      weight,
      loss: metricsMilli.loss === undefined ? null : metricsMilli.loss / 1000,
    }));
    for (const node of event.excluded)
      this.#fault(node, 'excluded', event.round, 'the round was sealed without its update');
    const excluded = event.excluded.map((node) => ({ node, reason: 'no update before the cut' }));
    this.#push(opened, event, {
      outcome: 'sealed',
      participants,
      excluded,
      modelDigest: event.model,
      ...(event.mixed && { mixed: event.mixed }),
      updateBytes: Math.max(0, ...event.participants.map(({ updateBytes }) => updateBytes)),
    });
    const losses = participants.flatMap(({ loss }) => loss ?? []);
    this.#onProgress({
      kind: 'round-sealed',
      stage,
      stageRound,
      modelDigest: event.model,
      participants: participants.map(({ node }) => node),
      excluded: event.excluded,
      loss:
        losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
      logSize: event.logSize,
    });
    this.#endStage(stage, event.atMs);
  }

  #void(event: Extract<PeerEvent, { kind: 'void' }>): void {
    const opened = this.#opened.get(event.round);
    if (opened === undefined || this.#rounds.some(({ round }) => round === event.round)) return;
    this.#push(opened, event, {
      outcome: 'void',
      participants: [],
      excluded: [],
      modelDigest: null,
      updateBytes: 0,
    });
    this.#onProgress({
      kind: 'round-void',
      stage: opened.stage,
      stageRound: opened.stageRound,
      reason: event.reason,
    });
  }

  #push(
    { stage, stageRound, openedAtMs }: OpenedRound,
    {
      round,
      height,
      atMs,
    }: { readonly round: number; readonly height: number; readonly atMs: number },
    end: Pick<
      RoundRecord,
      'outcome' | 'participants' | 'excluded' | 'modelDigest' | 'updateBytes' | 'mixed'
    >,
  ): void {
    this.#rounds.push({
      round,
      stage,
      stageRound,
      height,
      ms: atMs - openedAtMs,
      checks: [],
      ...end,
    });
  }

  /** Times of blocks, which a run that goes on finds again; less what other parts took of them. */
  #endStage(stage: string, atMs: number): void {
    const plan = this.#consortium?.manifest.plan.stages.find(({ id }) => id === stage);
    if (plan === undefined || this.#sealedCount(stage) < plan.rounds) return;
    const fromMs = this.#stageStartedAtMs.get(stage) ?? atMs;
    const shared = this.#parts.map((part) => {
      const toMs = part.toMs ?? this.#clock.nowMs();
      return Math.max(0, Math.min(toMs, atMs) - Math.max(part.fromMs, fromMs));
    });
    const ms = atMs - fromMs - shared.reduce((sum, each) => sum + each, 0);
    this.#stages.push({ id: stage, title: titleOf(plan), ms });
    this.#onProgress({ kind: 'stage-finished', stage, ms });
  }

  #sealedCount(stage: string): number {
    return this.#rounds.filter((round) => round.stage === stage && round.outcome === 'sealed')
      .length;
  }

  #state(
    node: string,
    state: 'waiting' | 'resting' | 'sending' | 'sealed' | 'away' | 'catching up',
  ): void {
    this.#onProgress({ kind: 'hospital', node, state });
  }

  #fault(node: string, kind: FaultRecord['kind'], round: number, note: string): void {
    const stage = this.#opened.get(round)?.stage ?? '';
    this.#faults.push({
      node,
      kind,
      round,
      stage,
      atMs: this.#clock.nowMs() - this.#startedAtMs,
      note,
    });
    this.#onProgress({
      kind: 'note',
      level: kind === 'caught-up' || kind === 'over' ? 'info' : 'warn',
      text: `${node} ${kind}: ${note}`,
    });
  }
}

/** A time the clock gave, as text. */
function isoTime(ms: number): string {
  // eslint-disable-next-line no-restricted-globals -- formats; reads no clock
  return new Date(ms).toISOString();
}

function titleOf(stage: PlanStage): string {
  return stage.kind === 'student' ? 'student of all tasks' : `teacher of ${stage.task ?? 'a task'}`;
}

/** The tasks that somebody labelled, for a record. */
export function taskRecords(settings: RunSettings): TaskRecord[] {
  return taughtTasks(settings).map((id) => ({ ...tasks[id], labels: [...tasks[id].labels] }));
}

/** Who a hospital is, for a record. */
export function hospitalRecord(hospital: HospitalSettings): HospitalRecord {
  const { id, folder, cases, scanner, annotator } = hospital;
  const labelled = Object.fromEntries(
    Object.keys(tasks).flatMap((task) => {
      const count = cases[task as keyof typeof tasks];
      return count > 0 ? [[task, count]] : [];
    }),
  );
  const isTaught = Object.keys(labelled).length > 0;
  const expert =
    folder === ''
      ? `bias ${Math.hypot(...annotator.biasMm).toFixed(1)} mm, scatter ${annotator.scatterMm} mm`
      : 'its own experts';
  return {
    id,
    labelled,
    training: trainingCaseCount(cases),
    test: cases.test,
    scanner:
      folder === ''
        ? `blur ${scanner.blurFwhmMm} mm, noise ${scanner.noiseHu} HU, contrast ${scanner.contrastPeakHu} HU`
        : 'its own CTs',
    annotator: isTaught ? expert : 'none: it labelled nothing',
  };
}
