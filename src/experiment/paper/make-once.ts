/** Cases on the disk, once: made again they would lose the labels that teachers gave them. */
import { eachOf } from '../../hospital/index.ts';
import type { CaseJob } from '../run/run-cases.ts';
import { workMs } from './progress.ts';
import type { SeedOptions } from './seed-options.ts';

/** Runs the jobs that no earlier run has ended. */
export async function makeOnce(
  { journal, pool, meter }: Pick<SeedOptions, 'journal' | 'pool' | 'meter'>,
  jobs: readonly CaseJob[],
): Promise<void> {
  await eachOf(jobs, 2 * pool.size, ({ id, count, run }) => {
    const make = async (): Promise<number> => {
      await run(pool, () => {
        meter.did(workMs.phantom);
      });
      return count;
    };
    return journal.once(`cases/${id}`, make, () => {
      meter.found(count * workMs.phantom);
    });
  });
}
