/** Looks at this machine: what can train here, how fast, and what will get in the way. */
import { freemem } from 'node:os';
import { messageOf } from '../base/index.ts';
import { listBackends, openEngine, type BackendReport } from '../compute/index.ts';
import { modelDefaults, modelSpecFor, trainingDefaults } from '../config/index.ts';
import { adamWDefaults, testSpeed, type Speed } from '../distill/index.ts';
import {
  findBuildTools,
  freeDiskBytes,
  openFilesMax,
  readMachine,
  type BuildTools,
  type Machine,
} from '../host/index.ts';

/** A backend, and how it did. */
export interface ExaminedBackend extends BackendReport {
  /** Null where it was not tried: missing, for checking only, or `--quick`. */
  readonly speed: (Speed & { readonly threads: number }) | null;
  /** Why it failed when it was tried. */
  readonly failure: string | null;
}

/** What this machine is and can do, as data. */
export interface Diagnosis {
  readonly machine: Machine;
  readonly memoryFreeBytes: number;
  /** Where runs are written: the folder that the command was given in. */
  readonly folder: string;
  readonly diskFreeBytes: number;
  /** Files and connections that the process may have open; null where the system does not tell. */
  readonly openFilesMax: number | null;
  readonly tools: BuildTools;
  /** Best first. */
  readonly backends: readonly ExaminedBackend[];
  /** What `auto` computes on; null when nothing works. */
  readonly chosen: string | null;
  /** What will get in the way, a sentence each. */
  readonly warnings: readonly string[];
}

const budgetMs = 8_000;
/** Below these a run of eight hospitals gets into trouble. */
const least = { diskBytes: 2 ** 30, memoryBytes: 2 ** 31, openFiles: 1024 };
/** Losses of the same step on two backends differ by rounding only. */
const lossDifferenceMax = 1e-3;

/** What a diagnosis looks at, and how. */
export interface Examination {
  /** Whether to try every backend that is there, for about ten seconds together. */
  readonly withSpeed: boolean;
  /** Where runs would be written. */
  readonly folder: string;
  /** The environment: `CXX` in it names a compiler. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: () => number;
  /** A backend is about to be tried. */
  readonly onTry: (backend: string) => void;
}

/** The machine as it is now. */
export async function examine(examination: Examination): Promise<Diagnosis> {
  const { withSpeed, folder, env, onTry } = examination;
  const reports = await listBackends();
  const isTried = ({ name, available }: BackendReport): boolean =>
    withSpeed && available && name !== 'cpu';
  const share = budgetMs / Math.max(1, reports.filter(isTried).length);
  const backends: ExaminedBackend[] = [];
  for (const report of reports) {
    if (isTried(report)) onTry(report.name);
    backends.push(
      isTried(report)
        ? await tryBackend(report, share, examination)
        : { ...report, speed: null, failure: null },
    );
  }
  const facts = {
    ...{ machine: readMachine(), memoryFreeBytes: freemem(), folder, backends },
    ...{ diskFreeBytes: await freeDiskBytes(folder), openFilesMax: openFilesMax() },
    tools: findBuildTools(env),
  };
  // As openEngine: the first that is there. One that is there and fails is trouble, not a reason to take the next.
  const first = backends.find(({ automatic, available }) => automatic && available);
  const chosen = first?.failure === null ? first.name : null;
  return { ...facts, chosen, warnings: warningsOf(facts) };
}

async function tryBackend(
  report: BackendReport,
  budget: number,
  { nowMs }: Examination,
): Promise<ExaminedBackend> {
  const { patch, teacher } = trainingDefaults;
  try {
    const engine = await openEngine({ backend: report.name });
    try {
      const speed = await testSpeed(engine, {
        spec: modelSpecFor(modelDefaults.teacher, ['hps']),
        patch: patch as [number, number, number],
        batch: teacher.batch,
        optimiser: {
          ...adamWDefaults,
          lr: teacher.learningRate,
          weightDecay: teacher.weightDecay,
        },
        ...{ budgetMs: budget, nowMs },
      });
      const { threads } = engine;
      return { ...report, speed: { ...speed, threads }, failure: null };
    } finally {
      engine.close();
    }
  } catch (error) {
    return { ...report, speed: null, failure: messageOf(error) };
  }
}

function warningsOf(
  facts: Pick<Diagnosis, 'diskFreeBytes' | 'memoryFreeBytes' | 'openFilesMax' | 'backends'>,
): string[] {
  const warnings: string[] = [];
  if (facts.diskFreeBytes < least.diskBytes) {
    warnings.push('less than 1 GiB of disk is free: a run of eight hospitals may not fit');
  }
  if (facts.memoryFreeBytes < least.memoryBytes) {
    warnings.push('less than 2 GiB of memory are free: take fewer --workers');
  }
  if (facts.openFilesMax !== null && facts.openFilesMax < least.openFiles) {
    warnings.push(`only ${facts.openFilesMax} files may be open: ulimit -n ${least.openFiles * 4}`);
  }
  const tested = facts.backends.flatMap(({ name, speed }) =>
    speed === null ? [] : [{ name, speed }],
  );
  const [first] = tested;
  for (const { name, speed } of tested) {
    const difference = Math.abs(speed.loss - (first?.speed.loss ?? NaN));
    if (!(difference <= lossDifferenceMax)) {
      warnings.push(
        `${name} computes another loss than ${first?.name ?? name}: do not train on it`,
      );
    }
  }
  return warnings;
}
