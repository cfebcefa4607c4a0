/**
 * Checks what stands behind the model of a mixing round: a signed report of everybody who was mixed. Each edge's digest
 * stands under the sender's and the receiver's signature, and the sealed model is one of those that were signed.
 */
import { messageOf } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  cutDigest,
  decodeReport,
  edgeProblems,
  verifyMixing,
  type BlockBody,
  type Cut,
  type MixingReport,
  type Open,
  type Seal,
  type SignedManifest,
} from '../wire/index.ts';
import { decisionName, envelopeDigests, firstEntryOf } from './log-files.ts';
import type { Report } from './verdict.ts';
import type { SoundEntries } from './sound-entries.ts';

/** What the reports are held against. */
export interface ReportContext {
  readonly versions: readonly SignedManifest[];
  readonly entries: Pick<SoundEntries, 'at'>;
  readonly entryName: (index: number) => string;
  readonly report: Report;
}

/** A round at its end. */
export interface SealedMixing {
  readonly open: Open;
  readonly cut: Cut;
  readonly seal: Seal;
}

/** Checks the reports that a block's SEAL brings in; nothing where the round was not mixed. */
export async function verifyReports(
  body: BlockBody,
  { open, cut, seal }: SealedMixing,
  { versions, entries, entryName, report: verdict }: ReportContext,
): Promise<void> {
  const consortium = versions[body.e];
  if (seal.mixed === undefined || consortium === undefined) return;
  const digests = envelopeDigests(body);
  const reports: MixingReport[] = [];
  for (const { peer, report } of seal.mixed.reports) {
    const index = firstEntryOf(body) + digests.indexOf(report);
    const where = entryName(index);
    const bytes = await entries.at(index);
    if (bytes === null) continue; // damaged entries were reported already
    if (digestOf(bytes) !== report) {
      verdict.find(where, `not the report that block ${body.h} names`);
      continue;
    }
    try {
      const { manifest, cid } = consortium;
      const said = verifyMixing(decodeReport(bytes), manifest, cid);
      reports.push(said);
      const claims: [boolean, string][] = [
        [said.author === peer, `signed by ${said.author}, not ${peer}`],
        [said.round === open.r, `of round ${said.round}, not ${open.r}`],
        [said.cut === cutDigest(cut), 'of the mixing of another CUT'],
        [
          said.steps.length === seal.mixed.steps,
          `${said.steps.length} steps, not ${seal.mixed.steps}`,
        ],
      ];
      for (const [holds, problem] of claims) if (!holds) verdict.find(where, problem);
    } catch (error) {
      verdict.find(where, messageOf(error));
    }
  }
  if (reports.length !== seal.mixed.reports.length) return;
  const where = `${decisionName(body.h)} SEAL of round ${seal.r}`;
  for (const problem of edgeProblems(reports)) verdict.find(where, problem);
  if (!reports.some(({ model }) => model === seal.agg)) {
    verdict.find(where, 'its model is in no report');
  }
}
