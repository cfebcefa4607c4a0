/** The folder of a laboratory run as it is written. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { csvOf, nodeColumns, renderLab, roundColumns } from '../../report/index.ts';
import type { LabOutcome } from './run-lab.ts';

/** Writes all files of a run into its folder; the record, which says that all is there, last. */
export async function writeLab(
  folder: string,
  { record, rounds, states }: LabOutcome,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = (name: string, data: string | Uint8Array): Promise<void> =>
    writeFile(join(folder, name), data);
  for (const [round, bytes] of states) await write(stateName(round), bytes);
  await write('rounds.jsonl', rounds.map((round) => `${JSON.stringify(round)}\n`).join(''));
  await write('rounds.csv', csvOf(roundColumns, rounds));
  await write('nodes.csv', csvOf(nodeColumns, record.nodes));
  await write('report.html', renderLab(record, rounds));
  await write('record.json', `${JSON.stringify(record, null, 1)}\n`);
}

/** Of the file that keeps the state after a round. */
export function stateName(round: number): string {
  return `state-${round}.bin`;
}
