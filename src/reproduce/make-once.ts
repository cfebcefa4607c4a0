/** Phantoms on the disk, once: made again they would lose the labels that teachers gave them. */
import type { MakeCasesArgs } from '../distill/index.ts';
import { workMs } from './progress.ts';
import type { SeedOptions } from './seed-options.ts';
import { eachOf } from './side-by-side.ts';

/** Runs the jobs `makeCases` that no earlier run has ended. */
export async function makeOnce(
  { journal, pool, meter }: Pick<SeedOptions, 'journal' | 'pool' | 'meter'>,
  jobs: readonly MakeCasesArgs[],
): Promise<void> {
  await eachOf(jobs, Infinity, (args) => {
    const count = args.to - args.from;
    const make = async (): Promise<number> => {
      await pool.run('makeCases', args);
      meter.did(count * workMs.phantom);
      return count;
    };
    return journal.once(`cases/${args.hospital.id}-${args.from}`, make, () => {
      meter.found(count * workMs.phantom);
    });
  });
}
