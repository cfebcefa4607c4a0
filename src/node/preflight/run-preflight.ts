/** Looks at this machine, this home and the other members, one thing after the other, and says what was found. */
import { resolve } from 'node:path';
import { messageOf, type Digest, type NodeId } from '../../base/index.ts';
import { lastBlockMs } from '../../audit/index.ts';
import { openEngine } from '../../compute/index.ts';
import { engineOptionsOf, type NodeFile } from '../../config/index.ts';
import { adamWDefaults, testSpeed } from '../../distill/index.ts';
import {
  diskStore,
  freeDiskBytes,
  listenFault,
  modesBelow,
  syncTrialMs,
} from '../../host/index.ts';
import type { ProbeReport } from '../../network/index.ts';
import { countOwnCases, listOwnCases, specAndTasks } from '../../hospital/index.ts';
import { quorumOf, type Manifest, type PlanStage } from '../../wire/index.ts';
import { nodeFolderOf, type Home } from '../home.ts';
import { checkClock, type ClockFacts } from './clock-check.ts';
import { checkKeys, checkManifest, checkVersion } from './consortium-check.ts';
import { checkData, type DataFacts } from './data-check.ts';
import { checkDisk } from './disk-check.ts';
import { inOrder, type Check, type Finding } from './finding.ts';
import { checkCompute, checkPort, checkRights, type ComputeFacts } from './machine-check.ts';
import { checkMembers } from './member-check.ts';

/** What members said when they were asked. */
export interface AskedMembers {
  readonly reports: readonly ProbeReport[];
  /** By how much this clock is ahead of theirs. */
  readonly aheadMs: readonly number[];
  readonly versions: readonly { readonly member: NodeId; readonly version: number }[];
  readonly programs: readonly { readonly member: NodeId; readonly code: string }[];
}

/** What a preflight looks at, and how. */
export interface PreflightOptions {
  readonly home: Home;
  readonly settings: NodeFile;
  readonly code: Digest;
  /** Whether the node of this home runs: then it has its port, and the speed of training is not tried beside it. */
  readonly isRunning: boolean;
  readonly nowMs: () => number;
  /** Asks all members; null where there is no consortium yet. */
  readonly ask: () => Promise<AskedMembers | null>;
  /** Hears what is looked at next. */
  readonly onCheck: (check: Check) => void;
}

const modesMax = 10_000;
const stepBudgetMs = 4_000;

/** All findings, in the order in which things build on each other. */
export async function runPreflight(options: PreflightOptions): Promise<Finding[]> {
  const { home, settings, code, isRunning, nowMs, onCheck } = options;
  const newest = home.manifests.at(-1)?.manifest ?? null;
  const findings: Finding[] = [];
  onCheck('disk');
  findings.push(...(await diskFindings(home, newest)));
  onCheck('rights');
  findings.push(...checkRights(await modesBelow(home.folder, modesMax)));
  findings.push(checkKeys(home.member, newest));
  onCheck('data');
  findings.push(...(await dataFindings(home, settings, newest)));
  onCheck('port');
  findings.push(await portFinding(settings.listen, isRunning));
  onCheck('compute');
  findings.push(...(await computeFindings(options, newest)));
  onCheck('member');
  const asked = await options.ask();
  if (asked !== null && newest !== null) {
    const { reports, versions, programs } = asked;
    findings.push(...checkMembers(reports, quorumOf(newest.members.length)));
    findings.push(checkManifest(newest.version, versions), ...checkVersion(code, programs));
  }
  const past = await pastOf(home);
  const skewMsMax = settings.peer.clockSkewMs;
  const aheadMs = asked?.aheadMs ?? [];
  findings.push(checkClock({ nowMs: nowMs(), past, aheadMs, skewMsMax }));
  return inOrder(findings);
}

async function diskFindings(home: Home, newest: Manifest | null): Promise<Finding[]> {
  const { folder } = home;
  const participants = newest?.plan.stages.map((stage) => stage.participants.length) ?? [];
  // All updates of a round, and the model before and after it.
  const copies = Math.max(0, ...participants) + 2;
  const roundBytes = copies * (newest?.limits.updateBytesMax ?? 0);
  const freeBytes = await freeDiskBytes(folder).catch(() => null);
  try {
    const syncMs = await syncTrialMs(folder);
    return checkDisk({ folder, freeBytes, syncMs, failure: null, roundBytes });
  } catch (error) {
    const failure = messageOf(error);
    return checkDisk({ folder, freeBytes, syncMs: null, failure, roundBytes });
  }
}

async function dataFindings(
  home: Home,
  { data }: NodeFile,
  newest: Manifest | null,
): Promise<Finding[]> {
  const promised = newest?.members.find(({ id }) => id === home.id)?.labels ?? home.member.labels;
  const folder = data.folder === '' ? null : resolve(home.folder, data.folder);
  return checkData(await dataFacts(folder), promised);
}

async function dataFacts(folder: string | null): Promise<DataFacts> {
  const nothing = { folder, failure: null, training: 0, labelled: {}, setAside: 0 };
  if (folder === null) return nothing;
  try {
    const { cases, setAside } = await listOwnCases(folder);
    const { hps, ms, calc, test } = countOwnCases(cases);
    const labelled = { calc, hps, ms };
    return { ...nothing, training: cases.length - test, labelled, setAside: setAside.length };
  } catch (error) {
    return { ...nothing, failure: messageOf(error) };
  }
}

async function portFinding(listen: string, isRunning: boolean): Promise<Finding> {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  const fault = isRunning ? null : await listenFault(host, Number(listen.slice(at + 1)));
  return checkPort(listen, fault, isRunning);
}

async function computeFindings(
  { home, settings, isRunning, nowMs }: PreflightOptions,
  newest: Manifest | null,
): Promise<Finding[]> {
  const stages = newest?.plan.stages.filter(({ participants }) => participants.includes(home.id));
  // The student has the largest model, and stands last.
  const stage = stages?.at(-1);
  if (stage === undefined) return [];
  return [checkCompute(await computeFacts(stage, settings, isRunning, nowMs))];
}

async function computeFacts(
  stage: PlanStage,
  settings: NodeFile,
  isRunning: boolean,
  nowMs: () => number,
): Promise<ComputeFacts> {
  const stepMsMax = stage.roundTimeoutMs / stage.stepsPerRound;
  try {
    const engine = await openEngine(engineOptionsOf(settings.compute));
    const { backend } = engine;
    try {
      const { patch, batch } = stage.training;
      // Beside a training of this very machine a step would seem slow. A whole image has no size before one was read.
      if (isRunning || patch === 'whole')
        return { backend, failure: null, stepMs: null, stepMsMax };
      const { spec } = specAndTasks(stage);
      const speed = await testSpeed(engine, {
        ...{ spec, batch, patch, budgetMs: stepBudgetMs, nowMs },
        optimiser: { ...adamWDefaults, lr: 1e-4, weightDecay: 0 },
      });
      return { backend, failure: null, stepMs: speed.stepMs, stepMsMax };
    } finally {
      engine.close();
    }
  } catch (error) {
    return {
      backend: settings.compute.backend,
      failure: messageOf(error),
      stepMs: null,
      stepMsMax,
    };
  }
}

/** What has happened for sure: the home was made, the last block of its log was decided. */
async function pastOf(home: Home): Promise<ClockFacts['past']> {
  const made = { what: 'this home was made', atMs: home.createdAtMs };
  const block = await lastBlockMs(diskStore(nodeFolderOf(home)));
  return block === null ? [made] : [made, { what: 'the last block of its log', atMs: block }];
}
