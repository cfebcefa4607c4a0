/** `annulus doctor`: what this machine can train on, what is missing, and how to get it. */
import { examine } from './diagnosis.ts';
import { doctorText } from './doctor-text.ts';
import { exitCodes, type ExitCode } from './errors.ts';
import type { World } from './world.ts';

export interface DoctorFlags {
  readonly format: string;
  readonly quick?: boolean;
}

/**
 * Exit 0 when something can train, else 3.
 * @param look tests put another machine in the place of this one.
 */
export async function doctorCommand(
  flags: DoctorFlags,
  world: World,
  look: typeof examine = examine,
): Promise<ExitCode> {
  const diagnosis = await look(flags.quick !== true, world);
  world.out(flags.format === 'json' ? `${JSON.stringify(diagnosis)}\n` : doctorText(diagnosis));
  return diagnosis.chosen === null ? exitCodes.unreachable : exitCodes.done;
}
