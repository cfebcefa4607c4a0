/** `annulus audit info`: what a log is, in ten lines. */
import type { ExaminedLog } from '../../audit/index.ts';
import { exitCodes, type ExitCode } from '../errors.ts';
import { tell, type FormatFlags } from '../result.ts';
import type { World } from '../world.ts';
import { oneLog, timeText } from './one-log.ts';

/** Flags, as typed. */
export interface InfoFlags extends FormatFlags {
  readonly copy?: string;
}

/** Prints the log's consortium, members by version, size, head and rounds. */
export async function infoCommand(
  folder: string,
  flags: InfoFlags,
  world: World,
): Promise<ExitCode> {
  const { log } = await oneLog(folder, flags.copy ?? null, world);
  const facts = factsOf(log);
  tell(world, flags, textOf(facts), facts);
  return log.verdict.ok ? exitCodes.done : exitCodes.failed;
}

type Facts = ReturnType<typeof factsOf>;

function factsOf({ verdict, versions, bodies }: ExaminedLog) {
  const { consortium, keptBy, treeSize, root, cosignedBy, quorum, rounds } = verdict;
  const stages = [...new Set(rounds.map(({ stage }) => stage))];
  return {
    ok: verdict.ok,
    name: consortium?.name ?? '',
    id: consortium?.cid ?? '',
    origin: consortium?.origin ?? '',
    keptBy,
    versions: versions.map(({ manifest }, version) => ({
      version,
      fromHeight: bodies.find(({ e }) => e === version)?.h ?? null,
      members: manifest.members.map(({ id }) => id),
    })),
    heights: verdict.heights,
    entries: bodies.at(-1)?.log.size ?? 0,
    fromMs: bodies.at(0)?.ts ?? null,
    untilMs: bodies.at(-1)?.ts ?? null,
    head: { size: treeSize, root, cosignedBy, quorum },
    stages: stages.map((stage) => {
      const own = rounds.filter((round) => round.stage === stage);
      const sealed = own.filter(({ outcome }) => outcome === 'sealed');
      const ended = own.filter(({ outcome }) => outcome === 'void');
      const model = sealed.at(-1)?.modelDigest ?? null;
      return { stage, sealed: sealed.length, void: ended.length, model };
    }),
    findings: verdict.findings,
  };
}

function textOf(facts: Facts): string {
  const { head, versions, stages } = facts;
  const line = (name: string, text: string): string => `${name.padEnd(12)} ${text}`;
  const times =
    facts.fromMs === null || facts.untilMs === null
      ? ''
      : `, ${timeText(facts.fromMs)} to ${timeText(facts.untilMs)} UTC`;
  return [
    line('consortium', facts.name),
    line('id', facts.id),
    line('log', `${facts.origin}, the copy of ${facts.keptBy ?? 'nobody who signed it'}`),
    ...versions.map(({ version, fromHeight, members }, at) =>
      line(
        at === 0 ? 'members' : '',
        `version ${version}, ${fromHeight === null ? 'no block yet' : `from height ${fromHeight}`}: ${members.join(' ')}`,
      ),
    ),
    line('entries', `${facts.entries} in ${facts.heights} heights${times}`),
    line(
      'head',
      head.root === null
        ? 'none that a quorum has cosigned'
        : `${head.size} entries, ${head.root}, cosigned by ${head.cosignedBy.length} (quorum ${head.quorum})`,
    ),
    ...stages.map(({ stage, sealed, void: ended, model }, at) =>
      line(
        at === 0 ? 'rounds' : '',
        `${stage}: ${sealed} sealed${ended === 0 ? '' : `, ${ended} void`}${model === null ? '' : `, last model ${model}`}`,
      ),
    ),
    line('verified', facts.ok ? 'yes, all of it' : `NO: ${facts.findings.length} findings`),
    '',
  ].join('\n');
}
