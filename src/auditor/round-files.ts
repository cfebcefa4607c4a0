/** The files that somebody needs who is to repeat a round elsewhere. */
import type { Digest } from '../base/index.ts';
import { contentName } from '../gossip/index.ts';
import {
  encodeCanonicalWeights,
  layoutOf,
  modelDigest,
  type ModelLayout,
  type ModelWeights,
} from '../weights/index.ts';
import { decodeShardList } from '../wire/index.ts';
import type { LoggedRound } from './logged-round.ts';
import type { MemberFiles } from './replay-files.ts';
import { filesMissing } from './replayed-cut.ts';

/** What goes with a log so that a round of it can be repeated. */
export interface RoundFiles {
  /** Files of the members' folders, all of them there. */
  readonly names: readonly string[];
  /** The model that the stage starts from, where the round needs it: no member stores it as a blob. */
  readonly initial: { readonly name: string; readonly bytes: Uint8Array } | null;
  readonly layout: ModelLayout;
}

/** @throws {AuditorError} 'files_missing' when one is not there */
export async function roundFiles(
  round: LoggedRound,
  files: MemberFiles,
  initial: ModelWeights,
): Promise<RoundFiles> {
  const { open, seal, before, updates } = round;
  const momentum = open.rule.outerMomentumMicro > 0;
  const models = [open.base, ...(momentum && before !== null ? [before] : [])];
  const first = modelDigest(initial);
  const needed: [string, string][] = [
    ...models.filter((one) => one !== first).map((one) => named(one, `the model ${one}`)),
    ...updates.map(({ upd, author }) => named(upd, `the update of ${author}`)),
    ...(open.rule.kind === 'mixing' ? [named(seal.agg, `the model ${seal.agg}`)] : []),
  ];
  if (open.rule.kind === 'sharded') {
    for (const { upd, author } of updates) {
      const list = await files.read(contentName(upd));
      const shards = list === null ? [] : decodeShardList(list, null);
      needed.push(...shards.map(({ digest }) => named(digest, `a shard of ${author}`)));
    }
  }
  const missing: string[] = [];
  for (const [name, what] of needed) if ((await files.size(name)) === null) missing.push(what);
  if (missing.length > 0) {
    const advice = 'name further folders with --more, or export without --round';
    throw filesMissing(open.r, missing, advice);
  }
  const isFirst = models.includes(first);
  return {
    names: [...new Set(needed.map(([name]) => name))],
    initial: isFirst ? { name: contentName(first), bytes: encodeCanonicalWeights(initial) } : null,
    layout: layoutOf(initial),
  };
}

function named(digest: Digest, what: string): [string, string] {
  return [contentName(digest), what];
}
