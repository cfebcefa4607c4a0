/**
 * Kills nodes of a test network with SIGKILL at random moments, again and again, and looks at what is left: no two models of a
 * round, no double vote, no height lost that a node had told of, everybody at the same end.
 *
 *   npm run build && node --disable-warning=ExperimentalWarning bench/node/crashes.ts [--kills 200] [--nodes 4] [--seed 1]
 *     [--minutes 45] [--folder DIR]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRandom, type NodeId } from '../../src/base/index.ts';
import { writeTestnet } from '../../src/daemon/index.ts';
import { quorumOf } from '../../src/wire/index.ts';
import { ended, main, say, smokeOf, startNode, statusOf, type BenchNode } from './bench-nodes.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    nodes: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '45' },
    folder: { type: 'string' },
  },
});
const kills = Number(values.kills);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'annulus-crashes-'));
const untilMs = performance.now() + Number(values.minutes) * 60_000;

/** Resolves when so many nodes answer and are connected that they can agree, or after a minute. */
async function untilQuorum(): Promise<void> {
  const giveUpMs = performance.now() + 60_000;
  while (performance.now() < giveUpMs) {
    const statuses = await Promise.all(members.map(statusOf));
    const ready = statuses.filter(
      (status) => (status?.members.filter(({ link }) => link === 'connected').length ?? 0) > 0,
    );
    if (ready.length >= quorumOf(members.length)) return;
    await pause(200);
  }
}

/** Blocks of a node's log by height, as they lie there. */
function blocksOf(
  member: BenchNode,
): Map<number, { readonly body: string; readonly ops: readonly { readonly op: string }[] }> {
  const place = join(member.home, 'node', 'log', 'decisions');
  return new Map(
    readdirSync(place).map((name) => {
      const { body } = JSON.parse(readFileSync(join(place, name), 'utf8')) as {
        body: { ops: { op: string }[] };
      };
      return [parseInt(name, 10), { body: JSON.stringify(body), ops: body.ops }];
    }),
  );
}

// A round for every second kill, so that most of them fall into one.
const smoke = smokeOf(Math.max(4, Math.ceil(kills / 2)));
const nodes = await writeTestnet({
  ...{ folder, count: Number(values.nodes), settings: smoke, workers: 1, nowMs: Date.now() },
  onCase: () => undefined,
});
const members: BenchNode[] = nodes.map((node) => ({ ...node, child: null, height: 0, said: '' }));
const problems: string[] = [];
const killsOf = new Map<NodeId, number>();
let inRound = 0;
let done = 0;

try {
  for (const member of members) startNode(member);
  const random = seededRandom(Number(values.seed)).fork('crashes');
  while (done < kills && performance.now() < untilMs) {
    // Most kills wait for a network that works; one in eight comes whatever is up.
    if (random.integer(8) > 0) await untilQuorum();
    await pause(random.integer(2500));
    const member = members[random.integer(members.length)];
    if (member === undefined) continue;
    const status = await statusOf(member);
    if (status !== null && status.round !== null) inRound += 1;
    if (member.child?.exitCode !== null) {
      problems.push(
        `${member.id} had ended by itself: ${member.said.split('\n').slice(-3).join(' / ')}`,
      );
    }
    member.child?.kill('SIGKILL');
    await ended(member.child);
    killsOf.set(member.id, (killsOf.get(member.id) ?? 0) + 1);
    done += 1;
    startNode(member);
    if (done % 10 === 0)
      say(
        `${done} kills, ${inRound} of them in a round; heights ${members.map(({ height }) => height).join(' ')}`,
      );
  }
  say(`${done} kills done; waiting for the end of the plan`);
  for (const member of members) {
    for (;;) {
      const status = await statusOf(member);
      if (status?.node.isDone === true) break;
      if (member.child?.exitCode !== null || performance.now() > untilMs + 15 * 60_000) {
        problems.push(
          `${member.id} did not come to the end: height ${member.height}; ${member.said.split('\n').slice(-3).join(' / ')}`,
        );
        break;
      }
      await pause(500);
    }
  }
} finally {
  for (const { child } of members) child?.kill('SIGTERM');
  for (const { child } of members) await ended(child);
}

const logs = members.map((member) => ({ member, blocks: blocksOf(member) }));
const [first] = logs;
for (const { member, blocks } of logs) {
  if (blocks.size < member.height)
    problems.push(
      `${member.id} told of height ${member.height}, and its log ends at ${blocks.size}`,
    );
  if (blocks.size !== first?.blocks.size)
    problems.push(
      `${member.id} ends at height ${blocks.size}, ${first?.member.id ?? ''} at ${first?.blocks.size ?? 0}`,
    );
  for (const [height, { body, ops }] of blocks) {
    if (body !== first?.blocks.get(height)?.body)
      problems.push(`height ${height}: ${member.id} has another block`);
    if (ops.some(({ op }) => op === 'EVID'))
      problems.push(`height ${height} at ${member.id}: a double vote was proved`);
  }
  const audit = spawn(process.execPath, [main, 'audit', 'verify', member.home], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  audit.stdout.on('data', (part: Buffer) => (text += part.toString()));
  await ended(audit);
  if (audit.exitCode !== 0)
    problems.push(
      `${member.id}: audit verify: ${text
        .split('\n')
        .filter((line) => line.startsWith('WRONG'))
        .join('; ')}`,
    );
}
const voids = [...(first?.blocks.values() ?? [])].filter(({ ops }) =>
  ops.some(({ op }) => op === 'VOID'),
).length;
const seals = [...(first?.blocks.values() ?? [])].filter(({ ops }) =>
  ops.some(({ op }) => op === 'SEAL'),
).length;
say(
  `kills       ${done}: ${[...killsOf].map(([id, count]) => `${id} ${count}`).join(', ')}; ${inRound} while a round was under way`,
);
say(
  `log         ${first?.blocks.size ?? 0} heights, ${seals} rounds sealed, ${voids} void, the same at ${logs.length} nodes, each verified`,
);
say(
  problems.length === 0
    ? 'no two digests, no double vote, nothing lost, everybody ends equal'
    : `PROBLEMS\n${[...new Set(problems)].join('\n')}`,
);
if (values.folder === undefined && problems.length === 0) rmSync(folder, { recursive: true });
process.exitCode = problems.length === 0 ? 0 : 1;
