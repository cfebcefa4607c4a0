/**
 * TensorFlow's own library under TF.js: `@tensorflow/tfjs-node-gpu` (CUDA 11.2, cuDNN 8.1) and `@tensorflow/tfjs-node`.
 * Users install them; they fetch libtensorflow 2.9 from outside npm, so we never do. Both register the backend
 * `tensorflow` on the TF.js that is loaded already.
 */
import util from 'node:util';

import { messageOf } from '../base/index.ts';
import type { Availability } from './backend-choice.ts';

/** As `import()`. Tests hand out modules that are not installed. */
export type ImportModule = (name: string) => Promise<unknown>;

/** What TF.js calls the backend that both packages bring. */
export const tfjsNodeBackend = 'tensorflow';

/** The npm package of each backend of TensorFlow's own library; both are optional. */
export const tfjsNodePackages = {
  cuda: '@tensorflow/tfjs-node-gpu',
  'tfjs-node': '@tensorflow/tfjs-node',
} as const;

/** The parts that we look at. */
interface TfjsNode {
  readonly version: Readonly<Record<string, string>>;
  findBackend(name: string): { readonly isUsingGpuDevice?: boolean } | null;
}

/** Loads the package. `cuda` is available only when the library sees a GPU: else it would compute on the processor. */
export async function probeTfjsNode(
  name: keyof typeof tfjsNodePackages,
  importModule: ImportModule,
): Promise<Availability> {
  restoreIsNullOrUndefined();
  try {
    const loaded = (await importModule(tfjsNodePackages[name])) as { default?: TfjsNode };
    // CommonJS: its names are on the default export.
    const module = loaded.default ?? (loaded as TfjsNode);
    const version = `version ${module.version['tfjs-node'] ?? 'unknown'}`;
    const backend = module.findBackend(tfjsNodeBackend);
    if (name === 'cuda' && backend?.isUsingGpuDevice !== true) {
      return { available: false, detail: `${version} is installed, but sees no NVIDIA GPU` };
    }
    return { available: true, detail: version };
  } catch (error) {
    return { available: false, detail: reasonOf(error, tfjsNodePackages[name]) };
  }
}

function reasonOf(error: unknown, name: string): string {
  const isAbsent =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  // Where the package is installed and its library is missing, its message is long.
  return isAbsent
    ? `${name} is not installed`
    : `${name} does not load: ${messageOf(error).slice(0, 120)}`;
}

/** Node 23 took it away; the packages call it in every operation. */
function restoreIsNullOrUndefined(): void {
  const shared = util as { isNullOrUndefined?: (value: unknown) => boolean };
  shared.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
