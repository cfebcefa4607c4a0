/**
 * How fast a virtual consortium is: peers, rounds, time, rounds per second, messages and peak memory, one process for each
 * size. `node bench/simulate/peers.ts [peers …] [--rounds 10] [--limit-s 60]`
 */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { consensusDefaults } from '../../src/consensus/index.ts';
import { memberNames, simulateConsortium, virtualPlan } from '../../src/simulate/index.ts';
import { limits } from '../../src/wire/index.ts';

/** A message lives for a moment: with room for many of them fewer are kept by mistake. 64 s become 56 at 100 peers. */
const young = '--max-semi-space-size=64';
const sizes = [8, 16, 32, 64, 100, 128, 256, 512];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '10' },
    'limit-s': { type: 'string', default: '60' },
    one: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const limitS = Number(values['limit-s']);

if (values.one) await runOne(Number(positionals[0]));
else runAll(positionals.length > 0 ? positionals.map(Number) : sizes);

function runAll(all: readonly number[]): void {
  print(['peers', 'rounds', 'seconds', 'rounds/s', 'messages', 'peak MiB', 'virtual s']);
  for (const peers of all) {
    if (peers > limits.membersMax) {
      print([peers, '-', `a consortium has at most ${limits.membersMax} members`]);
      continue;
    }
    const self = fileURLToPath(import.meta.url);
    const flags = [String(peers), '--one', '--rounds', String(rounds), '--limit-s', String(limitS)];
    const { stdout, status } = spawnSync(process.execPath, [young, self, ...flags], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: limitS * 1000,
    });
    if (status === 0) process.stdout.write(stdout);
    else print([peers, rounds, `not within ${limitS} s`]);
  }
}

async function runOne(peers: number): Promise<void> {
  const members = memberNames(peers);
  const startMs = performance.now();
  const record = await simulateConsortium({
    seed: 1,
    members,
    plan: virtualPlan({ participants: members, rounds }),
    network: { latencyMsMax: 100 },
    disk: { writeMs: 2 },
    settings: { tickMs: 10_000, holdsDelayMs: 1_000 },
    // As the main job's preset.
    consensus: { ...consensusDefaults, viewTimeoutMs: 8_000, resendMs: 5_000, resendMsMax: 10_000 },
  });
  const seconds = (performance.now() - startMs) / 1000;
  if (record.outcome !== 'done') throw new Error(`${peers} peers: ${record.outcome}`);
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  const perSecond = (rounds / seconds).toFixed(2);
  const virtualS = (record.tookMs / 1000).toFixed(0);
  print([
    peers,
    rounds,
    seconds.toFixed(1),
    perSecond,
    record.messages.sent,
    peakMiB.toFixed(0),
    virtualS,
  ]);
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.map((cell) => String(cell).padStart(10)).join('')}\n`);
}
