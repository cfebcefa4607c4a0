/** What only the native kernels can be asked for: bf16. */
import { ComputeError } from '../../errors.ts';

/**
 * How the operands of convolutions and dense products, and of their gradients, are multiplied: as they are, or rounded to
 * bf16. Sums, all other operations and all that is kept are float32 either way.
 */
export const precisions = ['f32', 'bf16'] as const;

/** One of `precisions`. */
export type Precision = (typeof precisions)[number];

/** What an engine may ask of the native kernels beside threads. */
export interface NativeOptions {
  /** Default `f32`. */
  readonly precision: Precision;
}

/**
 * The backend to look for: `auto` means `native` where no other has what is asked for.
 *
 * @throws {ComputeError} 'native_only' when another was asked for.
 */
export function backendWith<Name extends string>(
  backend: Name | 'auto',
  { precision = 'f32' }: Partial<NativeOptions>,
): Name | 'auto' | 'native' {
  if (precision === 'f32') return backend;
  if (backend === 'auto' || backend === 'native') return 'native';
  throw new ComputeError({
    code: 'native_only',
    ...{ backend, asked: `precision ${precision}`, instead: 'precision f32' },
  });
}
