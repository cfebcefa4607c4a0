/** What is looked at before a run begins: nothing here is found out better after minutes of silence. */
import { type Store, type NodeId } from '../../base/index.ts';
import { lastBlockMs, logPrefix } from '../../audit/index.ts';
import { loopbackFault, openFilesMax } from '../../host/index.ts';
import { membersOf, planOf, type RunSettings } from '../../config/index.ts';
import { faultCountMax, type PlanStage } from '../../wire/index.ts';
import { SimulateError } from './errors.ts';
import type { KillRequest } from './job-ports.ts';

/** Files that one worker opens at once, with its pipes and its engine. */
const filesOfWorker = 16;
/** Log, listening socket, and what is being read or written, of one node. */
const filesOfNode = 6;
const filesOfProgram = 48;

/** Files and sockets a run has open at once: each connection, a link and one for bulk, has both its ends in this process. */
export function filesNeeded(memberCount: number, workerCount: number): number {
  const sockets = 2 * memberCount * (memberCount - 1);
  return sockets + memberCount * filesOfNode + workerCount * filesOfWorker + filesOfProgram;
}

/** @throws {SimulateError} 'no_loopback', 'too_few_files' when this machine cannot run so many members */
export async function checkMachine(
  memberCount: number,
  workerCount: number,
  allowed: number | null = openFilesMax(),
): Promise<void> {
  const needed = filesNeeded(memberCount, workerCount);
  if (allowed !== null && allowed < needed) {
    throw new SimulateError(
      { code: 'too_few_files', needed, allowed },
      `${memberCount} hospitals in one process need about ${needed} open files and sockets, and ${allowed} are allowed: raise the limit (ulimit -n ${Math.max(4096, needed)}), or take fewer hospitals`,
    );
  }
  const reason = await loopbackFault();
  if (reason !== null) {
    throw new SimulateError(
      { code: 'no_loopback', reason },
      `the hospitals of a run speak over 127.0.0.1, which does not answer here (${reason}): switch the loopback device on (ip link set lo up), or leave the sandbox that took it away`,
    );
  }
}

/**
 * Whether every kill can be carried out and every round can still end.
 *
 * @throws {SimulateError} 'bad_kill' for a hospital, stage or round that the plan does not have, 'too_many_kills' when so many
 * members are away in one round that it could not end
 */
export function checkKills(kills: readonly KillRequest[], settings: RunSettings): void {
  const members = membersOf(settings);
  const { stages } = planOf(settings);
  for (const kill of kills) checkKill(kill, members, stages);
  const awayMax = faultCountMax(members.length);
  for (const { stage, stageRound } of kills) {
    const away = new Set(
      kills
        .filter((kill) => kill.stage === stage && kill.stageRound === stageRound)
        .map(({ node }) => node),
    );
    if (away.size <= awayMax) continue;
    throw new SimulateError(
      { code: 'too_many_kills', stage, stageRound },
      `--kill: ${[...away].join(', ')} in round ${stageRound} of ${stage}: ${members.length} hospitals agree with at most ${awayMax} of them away; kill fewer in one round`,
    );
  }
}

function checkKill(
  { node, stage: id, stageRound }: KillRequest,
  members: readonly NodeId[],
  stages: readonly PlanStage[],
): void {
  const refuse = (problem: string): never => {
    throw new SimulateError({ code: 'bad_kill', node, stage: id }, `--kill: ${problem}`);
  };
  if (!members.includes(node as NodeId)) {
    refuse(`unknown hospital ${node}: expected one of ${members.join(', ')}`);
  }
  const known = stages.map((stage) => stage.id).join(', ');
  const stage = stages.find((one) => one.id === id);
  if (stage === undefined) return refuse(`unknown stage ${id}: expected one of ${known}`);
  if (!stage.participants.includes(node as NodeId)) {
    refuse(`${node} does not train ${id}: it has none of its labels`);
  }
  if (stageRound < 1 || stageRound > stage.rounds) {
    refuse(`expected a round of ${id} from 1 to ${stage.rounds}, got ${stageRound}`);
  }
}

/**
 * Newest time of a block in the folders of the nodes, ms since 1970; null before the first.
 *
 * @throws {SimulateError} 'node_missing' when a node lost its folder while others have blocks: without its own votes
 * it could vote twice
 */
export async function lastBlockOfAll(
  nodes: readonly { readonly id: NodeId; readonly store: Store }[],
): Promise<number | null> {
  let newestMs: number | null = null;
  const empty: NodeId[] = [];
  for (const { id, store } of nodes) {
    if (!(await store.has(`${logPrefix}manifest.json`))) empty.push(id);
    const blockMs = await lastBlockMs(store);
    if (blockMs !== null) newestMs = Math.max(newestMs ?? 0, blockMs);
  }
  const [node] = empty;
  if (node !== undefined && newestMs !== null) {
    throw new SimulateError(
      { code: 'node_missing', node },
      `nodes/${node}: the folder of ${empty.join(', ')} is gone or has no log, though the run has blocks: a member that forgot its votes might vote twice; put the folder back, or begin a new run`,
    );
  }
  return newestMs;
}
