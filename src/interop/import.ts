/** Weights of another program as a model's folder, to be the start of a stage. */
import type { Digest } from '../base/index.ts';
import { decodeStudent, encodeStudent, intensityDefaults } from '../distill/index.ts';
import type { ModelSpec, Triple } from '../models/index.ts';
import { importWeights, type ImportOptions, type ImportReport } from './weights-file.ts';

/** A model's folder made of a weights file, with its digest, and what was taken from the file. */
export interface ImportedStudent {
  /** By name, for a folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly digest: Digest;
  readonly report: ImportReport;
}

/** Voxels of the paper's patches, which every network without a size of its own can halve. */
const usualWindow: Triple = [96, 96, 96];

/**
 * What a weights file does not tell, grid and window, comes from the caller; intensities are the consortium's own.
 * @param window null for the network's own or the usual one
 * @throws {InteropError} as `importWeights`; {DistillError} 'bad_model' for a window or spacing out of range
 */
export function importStudent(
  bytes: Uint8Array,
  file: string,
  spec: ModelSpec,
  options: ImportOptions & { readonly spacingMm: Triple; readonly window: Triple | null },
): ImportedStudent {
  const { weights, report } = importWeights(bytes, file, spec, options);
  const { spacingMm } = options;
  const window = options.window ?? (spec.kind === 'unetr' ? spec.imageSize : usualWindow);
  const files = encodeStudent({
    ...{ spec, weights, spacingMm, window },
    intensity: intensityDefaults,
  });
  return { files, digest: decodeStudent(files).digest, report };
}
