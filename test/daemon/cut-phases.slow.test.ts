/**
 * Nodes as processes behind slow and lossy lines. One of them, or half of them, is cut off while a round is in each of its phases,
 * and comes back: the rounds go on with everybody, and no chunk that came was asked for again. Printed: what each phase was, how
 * long it took, and how many chunks broke off. The environment changes the cut (ANNULUS_CUT_S, 40), the members (ANNULUS_CUT_NODES,
 * 4), who is cut off (ANNULUS_CUT_WHO, one,half), when (ANNULUS_CUT_PHASES, as `phases` below), and the plan
 * (ANNULUS_CUT_SETTINGS, as "training.averaging=sharded", with blanks between them).
 */
import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { NodeStatus } from '../../src/dashboard/index.ts';
import { Tunlinks, tunlinkProgram, type LinkShape } from '../network/tunlink-world.ts';
import type { CameChunks } from './count-chunks-preload.ts';
import { Hospitals, modelsOf } from './hospitals.ts';

const here = fileURLToPath(import.meta.url);
const preload = join(dirname(here), `count-chunks-preload${extname(here)}`);

const cutSeconds = Number(process.env.ANNULUS_CUT_S ?? 40);
const count = Number(process.env.ANNULUS_CUT_NODES ?? 4);
const whos = (process.env.ANNULUS_CUT_WHO ?? 'one,half').split(',');
const asked = process.env.ANNULUS_CUT_PHASES?.split(',');
const shape: LinkShape = { mbitPerSecond: 30, delayMs: 25, lossPercent: 1 };

/** Of 3.8 million numbers: an update takes seconds on such a line. More rounds than any cut lets pass. */
const settings = [
  ...['models.student.featureSize=24', 'models.student.depths=[1,1,1]'],
  ...['models.student.numHeads=[2,2,2]', 'training.student.rounds=1000'],
  'training.patch=[32,16,16]',
  ...(process.env.ANNULUS_CUT_SETTINGS?.split(' ') ?? []),
];

const ids = Array.from({ length: count }, (_, at) => `L${at + 1}`);
const numberOf = (id: string): number => Number(id.slice(1));

/** When the cut comes. */
interface Phase {
  /** As the first node sees it. */
  readonly isIn: (status: NodeStatus) => boolean;
  /** So long after its beginning: at its beginning no byte is under way yet. */
  readonly intoMs?: number;
}

const phases: Readonly<Record<string, Phase>> = {
  'pseudo-labels': {
    isIn: ({ work }) => work?.work === 'prepare' && (work.progress?.done ?? 0) > 0,
  },
  training: { isIn: (status) => status.work?.work === 'train' && isStudent(status) },
  sending: {
    isIn: (status) => isOpen(status) && isHeld(status, 'L1') && heldOf(status) < count,
    intoMs: 1_500,
  },
  cut: { isIn: (status) => isOpen(status) && heldOf(status) === count },
  averaging: { isIn: (status) => status.round?.state === 'cut' && isStudent(status) },
};

for (const who of whos) {
  describe(`${count} nodes behind 30 Mbit/s, 25 ms, 1 % loss, ${who} of them cut off`, () => {
    let links: Tunlinks | null = null;
    let hospitals: Hospitals;
    const isolated = who === 'one' ? ['L1'] : ids.slice(0, count / 2);

    before(async function () {
      if (tunlinkProgram() === null) {
        process.stdout.write(
          '    skipped: needs root, /dev/net/tun and tunlink.py (ANNULUS_TUNLINK)\n',
        );
        this.skip();
      }
      links = await Tunlinks.start(count, shape);
      hospitals = new Hospitals({
        addressOf: (id) => Tunlinks.addressOf(numberOf(id)),
        before: (id) => [
          ...[...Tunlinks.behind(numberOf(id)), 'env', `ANNULUS_CHUNKS_FILE=${chunksFile(id)}`],
          `NODE_OPTIONS=--disable-warning=ExperimentalWarning --import=${preload}`,
        ],
      });
      await hospitals.found(ids, settings);
      for (const id of ids) hospitals.start(id);
    });
    afterEach(function () {
      if (this.currentTest?.state === 'failed') process.stderr.write(`${hospitals.lastWords()}\n`);
    });
    after(async () => {
      if (links === null) return;
      await hospitals.remove();
      await links.stop();
    });

    for (const [phase, when] of Object.entries(phases)) {
      if (asked !== undefined && !asked.includes(phase)) continue;
      it(`heal after ${cutSeconds} s that began in the phase "${phase}"`, async () => {
        const at = await cutWhen(when);
        const cutMs = Date.now();
        const before = await statuses();
        print(`${phase}: cut at ${words(at)}; then ${before.map(words).join(' | ')}`);
        await pause(cutSeconds * 1_000 - (Date.now() - cutMs));
        const during = await statuses();
        links!.heal();
        const healedMs = Date.now();
        const last = Math.max(...during.map(lastRound));
        await Promise.all(ids.map((id) => allContributed(id, last)));
        const healSeconds = (Date.now() - healedMs) / 1_000;
        const after = await statuses();
        print(result(healSeconds, before, during, after));
        for (const { node, chunks } of after) {
          expect(chunks, node.id ?? '').include({ askedAgain: 0, refused: 0 });
        }
        const others = during.filter(({ node }) => !isolated.includes(node.id ?? ''));
        const wentOn = others.map((one, index) => [
          lastRound(one),
          lastRound(before.at(index - others.length)!),
        ]);
        if (who === 'one' && cutSeconds >= 120) {
          for (const [now = 0, then = 0] of wentOn) expect(now).greaterThan(then);
        }
      });
    }

    it('have fetched no chunk twice', async () => {
      for (const id of ids) expect(await hospitals.running.get(id)!.stop(), id).equal(0);
      const found = ids.map((id) => JSON.parse(readFileSync(chunksFile(id), 'utf8')) as CameChunks);
      print(`chunks that came, by node: ${found.map(({ came }) => came).join(' ')}`);
      expect(found.map(({ again }) => again)).deep.equal(ids.map(() => 0));
      for (const { came } of found) expect(came).greaterThan(0);
    });

    it('have one log, which both checks accept', async () => {
      const logs = [];
      for (const id of ids) logs.push(modelsOf(await hospitals.verified(id)));
      // The last one may have ended at some only.
      const rounds = Math.min(...logs.map(({ length }) => length));
      expect(rounds).greaterThan(0);
      for (const log of logs) expect(log.slice(0, rounds)).deep.equal(logs[0]!.slice(0, rounds));
    });

    const chunksFile = (id: string): string => hospitals.at(`${id}-chunks.json`);

    const statuses = (): Promise<NodeStatus[]> =>
      Promise.all(ids.map((id) => hospitals.until(id, () => true)));

    /** Cuts when the first node is in the phase. A phase may be over by then: healed at once, and tried again. */
    const cutWhen = async ({ isIn, intoMs = 0 }: Phase): Promise<NodeStatus> => {
      for (;;) {
        await hospitals.until('L1', isIn);
        await pause(intoMs);
        links!.cut(
          [isolated, ids.filter((id) => !isolated.includes(id))].map((group) =>
            group.map(numberOf),
          ),
        );
        const status = await hospitals.status('L1');
        if (isIn(status)) return status;
        links!.heal();
      }
    };

    const allContributed = (id: string, last: number): Promise<NodeStatus> =>
      hospitals.until(id, ({ rounds }) =>
        rounds.some(
          ({ round, state, contributors }) =>
            round > last && state === 'sealed' && contributors.length === count,
        ),
      );
  });
}

function isStudent({ round }: NodeStatus): boolean {
  return round?.stage === 'student';
}

function isOpen(status: NodeStatus): boolean {
  return status.round?.state === 'open' && isStudent(status);
}

function isHeld({ round }: NodeStatus, id: string): boolean {
  return round?.held.some((one) => one === id) === true;
}

function heldOf({ round }: NodeStatus): number {
  return round?.held.length ?? 0;
}

function lastRound({ rounds }: NodeStatus): number {
  return rounds.at(-1)?.round ?? 0;
}

/** Where a node is: `L1 round 7 open, train 2 of 3, holds L1 L2`. */
function words({ node, round, work }: NodeStatus): string {
  const progress = work?.progress == null ? '' : ` ${work.progress.done} of ${work.progress.total}`;
  const own = work === null ? '' : `, ${work.work}${progress}`;
  const where = round === null ? 'between rounds' : `round ${round.round} ${round.state}`;
  return `${node.id ?? ''} ${where}${own}, holds ${round?.held.join(' ') ?? ''}`;
}

function result(
  healSeconds: number,
  before: readonly NodeStatus[],
  during: readonly NodeStatus[],
  after: readonly NodeStatus[],
): string {
  const sum = (of: (chunks: NonNullable<NodeStatus['chunks']>) => number): number =>
    after.reduce((all, { chunks }) => all + (chunks === null ? 0 : of(chunks)), 0);
  const ended = (some: readonly NodeStatus[]): string => some.map(lastRound).join(' ');
  return [
    `healed in ${healSeconds.toFixed(1)} s`,
    `rounds ended at each node: ${ended(before)} at the cut, ${ended(during)} at its end, ${ended(after)} now`,
    `chunks since the start, all nodes: ${sum(({ arrived }) => arrived)} came`,
    `${sum(({ askedAgain }) => askedAgain)} of them asked for twice`,
    `${sum(({ asked, arrived }) => asked - arrived)} asked for anew because they had not come`,
  ].join('; ');
}

function print(text: string): void {
  process.stdout.write(`    ${text}\n`);
}
