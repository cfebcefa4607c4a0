/** `annulus doctor`: what this machine can train on, what is missing, and how to get it. */
import type { Diagnosis, Examination } from '../node/index.ts';
import { doctorText } from './doctor-text.ts';
import { exitCodes, type ExitCode } from './errors.ts';
import type { World } from './world.ts';

/** As typed. */
export interface DoctorFlags {
  readonly format: string;
  readonly quick?: boolean;
}

/** Tests put another machine in the place of this one. */
export type Examine = (examination: Examination) => Promise<Diagnosis>;

/** Exit 0 when something can train, else 3. */
export async function doctorCommand(
  flags: DoctorFlags,
  world: World,
  examine?: Examine,
): Promise<ExitCode> {
  const look = examine ?? (await import('../node/index.ts')).examine;
  const diagnosis = await look({
    withSpeed: flags.quick !== true,
    folder: process.cwd(),
    env: process.env,
    nowMs: world.nowMs,
    onTry: (backend) => {
      if (!world.isLive) return;
      world.erase(0);
      world.out(`trying ${backend} …`);
    },
  });
  if (world.isLive) world.erase(0);
  world.out(flags.format === 'json' ? `${JSON.stringify(diagnosis)}\n` : doctorText(diagnosis));
  return diagnosis.chosen === null ? exitCodes.unreachable : exitCodes.done;
}
