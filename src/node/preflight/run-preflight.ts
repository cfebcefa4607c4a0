/** Looks at this machine, this home and the other members, one thing after the other, and says what was found. */
import { AnnulusError, invariant, messageOf, type Digest, type NodeId } from '../../base/index.ts';
import { lastBlockMs } from '../../audit/index.ts';
import { openEngine } from '../../compute/index.ts';
import { engineOptionsOf, type NodeFile } from '../../config/index.ts';
import { adamWDefaults, testSpeed } from '../../distill/index.ts';
import { diskStore, freeDiskBytes, HostError, listenFault, syncTrialMs } from '../../host/index.ts';
import type { ProbeReport } from '../../network/index.ts';
import { casesFolderOf, countOwnCases, listOwnCases, specAndTasks } from '../../hospital/index.ts';
import { quorumOf, type Manifest, type Member, type PlanStage } from '../../wire/index.ts';
import type { MemberClaims } from '../../peer/index.ts';
import { nodeFolderOf, type HomeFacts } from '../home.ts';
import { haveSameNodeKeys } from '../node-keys.ts';
import { checkClock, checkMemberClocks, type ClockFacts } from './clock-check.ts';
import { checkKeys, checkManifest, checkVersion } from './consortium-check.ts';
import { checkData, type DataFacts } from './data-check.ts';
import { checkDisk } from './disk-check.ts';
import { inOrder, type Check, type Finding } from './finding.ts';
import { checkNode, rightsFindings, votingFindings, type NodeState } from './home-check.ts';
import { checkCompute, checkPort, type ComputeFacts } from './machine-check.ts';
import { checkMembers } from './member-check.ts';

/** What members said when they were asked. */
export interface AskedMembers {
  readonly reports: readonly ProbeReport[];
  /** Of those that were heard. */
  readonly claims: readonly ({ readonly member: NodeId } & MemberClaims)[];
}

/** What a preflight looks at, and how. */
export interface PreflightOptions {
  readonly home: HomeFacts;
  readonly settings: NodeFile;
  readonly code: Digest;
  /** Of this home: while it is on it has its port, and the speed of training is not tried beside it. */
  readonly node: NodeState;
  readonly nowMs: () => number;
  /** Asks all members; null where there is no consortium yet. What it throws is what was found of them. */
  readonly ask: () => Promise<AskedMembers | null>;
  /** Hears what is looked at next. */
  readonly onCheck: (check: Check) => void;
}

const stepBudgetMs = 4_000;

/** All findings, in the order in which things build on each other. */
export async function runPreflight(options: PreflightOptions): Promise<Finding[]> {
  const { home, settings, node, nowMs, onCheck } = options;
  const newest = home.manifests.at(-1)?.manifest ?? null;
  const findings: Finding[] = [checkNode(node), ...(await localFindings(options))];
  onCheck('compute');
  findings.push(...(await computeFindings(options, newest)));
  onCheck('member');
  const asked = await askedMembers(options);
  if ('outcome' in asked) findings.push(asked);
  else if (newest !== null) findings.push(...memberFindings(asked, newest, options));
  const past = await pastOf(home);
  const skewMsMax = settings.peer.clockSkewMs;
  const claims = 'claims' in asked ? asked.claims : [];
  const aheadMs = claims.map((one) => one.aheadMs);
  findings.push(checkClock({ nowMs: nowMs(), past, aheadMs, skewMsMax }));
  findings.push(...checkMemberClocks(claims, skewMsMax));
  return inOrder(findings);
}

/** What a start looks at, which takes a moment: this machine and this home, without keys, training and other members. */
export type StartOptions = Pick<PreflightOptions, 'home' | 'settings' | 'nowMs'>;

/** As `runPreflight` says it, of what a start looks at. */
export async function startFindings({ home, settings, nowMs }: StartOptions): Promise<Finding[]> {
  const findings = await localFindings({
    ...{ home, settings, nowMs, node: 'off' },
    onCheck: () => undefined,
  });
  const skewMsMax = settings.peer.clockSkewMs;
  const past = await pastOf(home);
  return inOrder([...findings, checkClock({ nowMs: nowMs(), past, aheadMs: [], skewMsMax })]);
}

/** Whether a node must not start with this: it would fail, or do harm. The rest of what fails is only said. */
export function keepsFromStarting({ check, outcome }: Finding): boolean {
  return outcome === 'fail' && ['clock', 'disk', 'rights', 'port'].includes(check);
}

async function localFindings({
  home,
  settings,
  node,
  nowMs,
  onCheck,
}: Omit<PreflightOptions, 'code' | 'ask'>): Promise<Finding[]> {
  const newest = home.manifests.at(-1)?.manifest ?? null;
  const own = ownLine(home, newest);
  const findings: Finding[] = [];
  onCheck('disk');
  findings.push(...(await diskFindings(home, newest)));
  onCheck('rights');
  findings.push(...(await rightsFindings(home.folder)));
  findings.push(checkKeys(own, newest), ...(await votingFindings(home, own, nowMs())));
  onCheck('data');
  findings.push(...(await dataFindings(home, settings, newest)));
  onCheck('port');
  findings.push(await portFinding(settings.listen, node !== 'off'));
  return findings;
}

/** This hospital's line with the keys that are in this home: the one that the manifest names, else the newest. */
function ownLine({ id, lines }: HomeFacts, newest: Manifest | null): Member {
  const named = newest?.members.find((member) => member.id === id);
  const held = lines.find(({ member }) => named !== undefined && haveSameNodeKeys(member, named));
  const line = held ?? lines.at(-1);
  invariant(line !== undefined, 'a home has keys');
  return line.member;
}

function memberFindings(
  { reports, claims }: AskedMembers,
  newest: Manifest,
  { code }: PreflightOptions,
): Finding[] {
  return [
    ...checkMembers(reports, quorumOf(newest.members.length)),
    checkManifest(newest.version, claims),
    ...checkVersion(code, claims),
  ];
}

/** What members said, or why they could not be asked. */
async function askedMembers({ node, ask }: PreflightOptions): Promise<AskedMembers | Finding> {
  const unasked = (found: string, remedy: string): Finding => {
    return { check: 'member', subject: 'all', outcome: 'unknown', found, remedy };
  };
  if (node === 'silent') return unasked('not asked: the node does not answer', 'see above: node');
  try {
    const asked = await ask();
    return asked ?? unasked('not asked: no consortium lists this home yet', 'see above: keys');
  } catch (error) {
    if (!(error instanceof AnnulusError)) throw error;
    return unasked(
      `not asked: ${error.message}`,
      'put that right, and run annulus preflight again',
    );
  }
}

async function diskFindings(home: HomeFacts, newest: Manifest | null): Promise<Finding[]> {
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
    const failure = diskFailure(error);
    return checkDisk({ folder, freeBytes, syncMs: null, failure, roundBytes });
  }
}

/** What was found and what to do. */
function diskFailure(error: unknown): { readonly found: string; readonly remedy: string } {
  const look = "look for its fault in the system's log";
  const codes: Readonly<Record<string, readonly [string, string]>> = {
    disk_full: ['no space is left', 'free some; nothing was lost'],
    disk_read_only: ['the file system is read-only', 'mount it writable, or move the home'],
    disk_denied: ['no permission', "check the folder's owner and mode"],
  };
  const known = error instanceof HostError ? codes[error.code] : undefined;
  const [found, remedy] = known ?? [messageOf(error), look];
  return { found, remedy };
}

async function dataFindings(
  home: HomeFacts,
  { data }: NodeFile,
  newest: Manifest | null,
): Promise<Finding[]> {
  const promised =
    newest?.members.find(({ id }) => id === home.id)?.labels ?? ownLine(home, null).labels;
  const folder = casesFolderOf(home.folder, data.folder);
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
    // The folder is named beside it.
    const isOfCases = error instanceof HostError && error.facts.code === 'bad_cases';
    return { ...nothing, failure: isOfCases ? error.facts.expected : messageOf(error) };
  }
}

async function portFinding(listen: string, isRunning: boolean): Promise<Finding> {
  const at = listen.lastIndexOf(':');
  const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
  const fault = isRunning ? null : await listenFault(host, Number(listen.slice(at + 1)));
  return checkPort(listen, fault, isRunning);
}

async function computeFindings(
  { home, settings, node, nowMs }: PreflightOptions,
  newest: Manifest | null,
): Promise<Finding[]> {
  const stages = newest?.plan.stages.filter(({ participants }) => participants.includes(home.id));
  // The student has the largest model, and stands last.
  const stage = stages?.at(-1);
  if (stage === undefined) return [];
  return [checkCompute(await computeFacts(stage, settings, node !== 'off', nowMs))];
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
async function pastOf(home: HomeFacts): Promise<ClockFacts['past']> {
  const made = { what: 'this home was made', atMs: home.createdAtMs };
  const block = await lastBlockMs(diskStore(nodeFolderOf(home)));
  return block === null ? [made] : [made, { what: 'the last block of its log', atMs: block }];
}
