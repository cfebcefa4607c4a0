/**
 * What this hospital gets out of the rounds on its own machine: the student as a folder for `annulus predict`, errors of each
 * sealed model on a case of its own, a picture. One thing at a time and when the training workers have nothing else to do.
 */
import { AnnulusError, fromUtf8, parseDigest, type Clock, type Digest } from '../base/index.ts';
import type { NodeEvent, NodeFact } from '../dashboard/index.ts';
import { tasks as taskTable } from '../data/index.ts';
import { diskStore } from '../host/index.ts';
import { specAndTasks, type OwnResultJobs, type SealedModel } from '../hospital/index.ts';
import type { ChainState } from '../peer/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import { predictionCaption } from './prediction-caption.ts';
import { predictionPng } from './prediction-picture.ts';

/** The node, as far as results need it. */
export interface ResultsNode {
  readonly peer: {
    readonly state: Pick<ChainState, 'stageIndex' | 'models'>;
    modelFile(stage: PlanStage, digest: Digest): Promise<string>;
  } | null;
  readonly results: Pick<OwnResultJobs, 'evaluate' | 'picture' | 'package'> | null;
}

/** What it works with. */
export interface OwnResultsOptions {
  readonly node: ResultsNode;
  readonly plan: Plan;
  readonly clock: Clock;
  /** Where the student is put. */
  readonly modelFolder: string;
  readonly onFact: (fact: NodeFact) => void;
}

/** Something to do for the hospital. */
export interface Result {
  readonly kind: 'package' | 'picture' | 'errors';
  readonly stage: PlanStage;
  readonly digest: Digest;
}

/** What has been done. */
export interface ResultsDone {
  readonly packaged: Digest | null;
  readonly pictured: Digest | null;
  /** The last round whose model was tried. */
  readonly measuredRound: number;
}

/** The last sealed round. */
export interface LastSealed {
  readonly round: number;
  readonly stage: string;
  readonly model: Digest;
}

/** How often it is looked whether there is something to do and nobody else working. */
const tickMs = 1_000;
/** After a failure that time may mend. */
const pauseMs = 60_000;
const noticeCode = 'own-results';

/** The next thing to do: first what lasts, then what the next round makes old, then the picture. Pure. */
export function nextResult(
  plan: Pick<Plan, 'stages'>,
  { stageIndex, models }: Pick<ChainState, 'stageIndex' | 'models'>,
  last: LastSealed | null,
  done: ResultsDone,
): Result | null {
  const complete = plan.stages.slice(0, stageIndex).filter(({ id }) => models.has(id));
  const of = (kind: Result['kind'], stage: PlanStage | undefined): Result | null => {
    const digest = stage === undefined ? undefined : models.get(stage.id);
    return stage === undefined || digest === undefined ? null : { kind, stage, digest };
  };
  const student = of(
    'package',
    complete.findLast(({ kind }) => kind === 'student'),
  );
  if (student !== null && student.digest !== done.packaged) return student;
  const tried = plan.stages.find(({ id }) => id === last?.stage);
  if (last !== null && tried !== undefined && last.round > done.measuredRound) {
    return { kind: 'errors', stage: tried, digest: last.model };
  }
  const shown = of('picture', complete.findLast(seeksPoints));
  return shown === null || shown.digest === done.pictured ? null : shown;
}

function seeksPoints(stage: PlanStage): boolean {
  return specAndTasks(stage).tasks.some((task) => taskTable[task].kind === 'points');
}

/** See the file's header. */
export class OwnResults {
  readonly #options: OwnResultsOptions;
  #done: ResultsDone = { packaged: null, pictured: null, measuredRound: 0 };
  #last: LastSealed | null = null;
  /** Where the last model is that was asked for: to look for it reads all of it. */
  #file: Pick<SealedModel, 'digest' | 'name'> | null = null;
  /** Whether the last thing failed, and its notice stands. */
  #hasFailed = false;
  #isStopped = false;
  #cancel: () => void = () => undefined;

  constructor(options: OwnResultsOptions) {
    this.#options = options;
  }

  /** Events of the peer, also those of the past. */
  hear(event: NodeEvent): void {
    if (event.kind !== 'sealed' || event.round <= (this.#last?.round ?? 0)) return;
    const { round, stage, model } = event;
    this.#last = { round, stage, model };
  }

  /** Begins; the node has started. @param packaged the model that is in the folder */
  start(packaged: Digest | null): void {
    this.#done = { ...this.#done, packaged };
    this.#schedule(tickMs);
  }

  /** Begins nothing more. What is under way ends with the node. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.clock.setTimer(delayMs, () => {
      void this.step().then((isMended) => {
        this.#schedule(isMended ? tickMs : pauseMs);
      });
    });
  }

  /** Does the next thing, if there is one. Never throws. @returns whether it is worth asking again soon */
  async step(): Promise<boolean> {
    const { node, plan } = this.#options;
    const { peer, results } = node;
    if (peer === null || results === null) return true;
    const last = this.#last;
    const next = nextResult(plan, peer.state, last, this.#done);
    if (next === null) return true;
    const { stage, digest } = next;
    try {
      if (this.#file?.digest !== digest) {
        this.#file = { digest, name: await peer.modelFile(stage, digest) };
      }
      const model = { stage, ...this.#file };
      switch (next.kind) {
        case 'package':
          await results.package(model, this.#options.modelFolder);
          this.#sayPackaged();
          break;
        case 'picture':
          this.#tellPicture(model, await results.picture(model));
          break;
        case 'errors':
          this.#tellErrors(model, last?.round ?? 0, await results.evaluate(model));
      }
      this.#note(next, last);
      if (this.#hasFailed) this.#options.onFact({ kind: 'notice-over', code: noticeCode });
      this.#hasFailed = false;
      return true;
    } catch (error) {
      return this.#failed(next, last, error);
    }
  }

  #note({ kind, digest }: Result, last: LastSealed | null): void {
    const changes = {
      package: { packaged: digest },
      picture: { pictured: digest },
      errors: { measuredRound: last?.round ?? 0 },
    };
    this.#done = { ...this.#done, ...changes[kind] };
  }

  #tellErrors(
    { stage }: SealedModel,
    round: number,
    found: Awaited<ReturnType<OwnResultJobs['evaluate']>>,
  ): void {
    if (found === null || this.#isStopped) return;
    const { onFact } = this.#options;
    for (const error of found.errors) onFact({ kind: 'round-error', round, ...error });
    if (found.loss === null) return;
    const task = stage.task ?? 'all tasks';
    onFact({ kind: 'round-error', round, task, unit: 'loss', value: found.loss });
  }

  #tellPicture({ stage }: SealedModel, found: Awaited<ReturnType<OwnResultJobs['picture']>>): void {
    if (found === null || this.#isStopped) return;
    const { onFact, clock } = this.#options;
    const { slices } = found;
    const caption = predictionCaption(stage, slices);
    onFact({ kind: 'prediction', caption, png: predictionPng(slices), atMs: clock.nowMs() });
  }

  #sayPackaged(): void {
    const { onFact, clock } = this.#options;
    const text = 'the student that this consortium trained is in the folder model of this home';
    const remedy =
      'try it on a CT: annulus predict --model HOME --input CT.nii.gz --output out, HOME being the folder of this home';
    const atMs = clock.nowMs();
    onFact({ kind: 'notice', code: 'own-model', level: 'info', text, remedy, atMs });
  }

  /** @returns whether it is worth asking again soon */
  #failed(next: Result, last: LastSealed | null, error: unknown): boolean {
    const code: string = error instanceof AnnulusError ? (error as AnnulusError).code : 'failed';
    if (this.#isStopped || code === 'pool_busy' || code === 'job_cancelled') return true;
    this.#file = null;
    // Nobody has the model yet, or the workers are gone: neither is for a person to mend.
    if (code === 'blob_unavailable' || code === 'pool_closed') return false;
    // What is only shown is not tried again with the same model.
    if (next.kind !== 'package') this.#note(next, last);
    this.#hasFailed = true;
    const { onFact, clock } = this.#options;
    // The code alone: a message may name a file, and a file may be named after a patient.
    const text = `${failures[next.kind]} (${code.replaceAll('_', ' ')}); rounds go on`;
    const remedy = next.kind === 'package' ? 'look whether the disk of this home is full' : null;
    const atMs = clock.nowMs();
    onFact({ kind: 'notice', code: noticeCode, level: 'warning', text, remedy, atMs });
    return false;
  }
}

const failures: Readonly<Record<Result['kind'], string>> = {
  package: 'the trained student could not be written into this home; it is tried again',
  picture: 'the model could not be shown on an own held-out case',
  errors: 'the model could not be tried on an own held-out case',
};

/** The model that a folder of `OwnResultJobs.package` holds; null when it holds none. */
export async function packagedDigest(folder: string): Promise<Digest | null> {
  const store = diskStore(folder);
  const bytes = await store.read('model.json');
  if (bytes === null || !(await store.has('model.safetensors'))) return null;
  try {
    return parseDigest((Object(JSON.parse(fromUtf8(bytes))) as { digest?: unknown }).digest);
  } catch {
    return null;
  }
}
