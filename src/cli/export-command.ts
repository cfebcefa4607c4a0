/** `annulus export`: a trained student for PyTorch and other programs. */
import { join } from 'node:path';
import { printableLine } from '../base/index.ts';
import { packageFile } from '../host/index.ts';
import type { ExportFormat } from '../interop/index.ts';
import { exitCodes, type ExitCode } from './errors.ts';
import { intoFolder, readInput, readModelFolder, writeOutput } from './files.ts';
import type { World } from './world.ts';

/** Formats as `--format` takes them; their meaning is at `ExportFormat`. */
export const exportFormats: readonly ExportFormat[] = ['safetensors', 'onnx', 'bundle'];

/** Flags of `export`, as typed. */
export interface ExportFlags {
  readonly model: string;
  readonly format: ExportFormat;
  readonly output: string;
}

/**
 * Writes a model's folder in another program's format, and tells the names of the files.
 *
 * @throws {CliError} 'usage'; {DistillError} 'bad_model'; {InteropError} 'two_inputs'
 */
export async function exportCommand(flags: ExportFlags, world: World): Promise<ExitCode> {
  const { decodeStudent } = await import('../distill/index.ts');
  const { exportStudent } = await import('../interop/index.ts');
  const student = decodeStudent(await readModelFolder(flags.model));
  const files = exportStudent(student, flags.format, {
    loader: await readInput(packageFile('python/load_student.py')),
    license: await readInput(packageFile('LICENSE')),
  });
  return intoFolder(flags.output, async (output) => {
    for (const [name, bytes] of files) await writeOutput(join(output, name), bytes);
    for (const name of files.keys()) world.out(`${printableLine(join(output, name))}\n`);
    return exitCodes.done;
  });
}
