/** `annulus audit replay`: a round's model made again from the updates that members stored. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggedRound, MemberFiles, Replay, ReplayPorts } from '../../auditor/index.ts';
import { printableLine } from '../../base/index.ts';
import { diskStore } from '../../host/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { readInput } from '../files.ts';
import { tell, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { sealKeyFor, type KeyFlags } from './key-source.ts';
import { memberFilesAt, memberFolders } from './member-files.ts';
import { indexOf, oneLog, type OneLog } from './one-log.ts';

/** Flags, as typed. */
export interface ReplayFlags extends FormatFlags, KeyFlags {
  readonly copy?: string;
  readonly keys?: string;
  readonly more?: readonly string[];
}

/** Repeats a round. Exit code 1 when its seal does not follow from its updates. */
export async function replayCommand(
  folder: string,
  text: string,
  flags: ReplayFlags,
  world: World,
): Promise<ExitCode> {
  if (flags.keys !== undefined && flags.home !== undefined) {
    throw usageError('expected --keys or --home, got both');
  }
  const number = indexOf('round', text);
  const one = await oneLog(folder, flags.copy ?? null, world);
  const auditor = await import('../../auditor/index.ts');
  const { stageStart } = await import('../../hospital/index.ts');
  const round = await auditor.loggedRound(one.log, number);
  const files = await filesIn([folder, ...(flags.more ?? [])]);
  const keyOf = await keySource(folder, one, round, flags, world);
  const place = await mkdtemp(join(tmpdir(), 'annulus-replay-'));
  try {
    const store = auditor.withMemberFiles(diskStore(place), files);
    const ports: ReplayPorts = {
      ...{ store, keyOf },
      stageStart: ({ manifest }, stage, from) => stageStart(manifest.plan, stage, from),
    };
    const replay = await auditor.replayRound(round, ports);
    tell(world, flags, textOf(replay), replay);
    return replay.ok ? exitCodes.done : exitCodes.failed;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** Updates and models in all these folders. */
export async function filesIn(folders: readonly string[]): Promise<MemberFiles> {
  const { firstOf } = await import('../../auditor/index.ts');
  const found = await Promise.all(folders.map(memberFolders));
  return firstOf([...new Set(found.flat())].map(memberFilesAt));
}

async function keySource(
  folder: string,
  { log }: OneLog,
  round: LoggedRound,
  flags: ReplayFlags,
  world: World,
): Promise<ReplayPorts['keyOf']> {
  const auditor = await import('../../auditor/index.ts');
  if (flags.keys !== undefined) {
    const bytes = await readInput(flags.keys, auditor.roundKeysBytesMax);
    const expected = { cid: round.consortium.cid, round: round.open.r };
    return auditor.disclosedKeys(auditor.decodeRoundKeys(bytes, expected));
  }
  const key = await sealKeyFor(folder, round, log.verdict.keptBy, flags, world);
  if (key === null) {
    throw usageError(
      `the updates of round ${round.open.r} are encrypted for the members: give --keys FILE, which a member writes with "annulus audit disclose … ${round.open.r} --output FILE", or on a member's machine --home`,
    );
  }
  return auditor.keysOfMember(key.member, key.sealPrivate);
}

function textOf(replay: Replay): string {
  const { round, stage, rule, base, updates, sealed, replayed, mixed, isSumRight } = replay;
  const line = (name: string, text: string): string => `${name.padEnd(12)} ${text}`;
  return [
    line('round', `${round} of the stage ${stage}, rule ${rule}`),
    line('began with', base),
    line('updates', updates.map(({ member, weight }) => `${member}:${weight}`).join(' ')),
    line('sealed', sealed),
    line(mixed === null ? 'made again' : 'exact mean', replayed),
    ...(mixed === null
      ? []
      : [
          line(
            'apart',
            `${mixed.apart} in one parameter at most, the agreed bound is ${mixed.bound}`,
          ),
        ]),
    ...(isSumRight ? [] : [line('WRONG', "SEAL's sums are not those of the updates' envelopes")]),
    verdictOf(replay),
    '',
  ]
    .map(printableLine)
    .join('\n');
}

function verdictOf({ ok, mixed, updates }: Replay): string {
  const from = `from ${updates.length} updates`;
  if (mixed !== null) {
    return ok
      ? `REPEATED: the sealed model is the mean ${from}, within the bound. A mixing has no bits to compare: members sealed one of their nearly equal models`
      : `NOT REPEATED: the sealed model is not the mean ${from}`;
  }
  return ok
    ? `REPEATED: the same model to the last bit, ${from}`
    : `NOT REPEATED: the model ${from} is another than the one that was sealed. Keep these folders: who voted for SEAL signed it`;
}
