/** What only the native kernels can be asked for: bf16, and oneDNN's convolutions. */
import { ComputeError } from '../../errors.ts';

/**
 * How the operands of convolutions and dense products, and of their gradients, are multiplied: as they are, or rounded to
 * bf16. Sums, all other operations and all that is kept are float32 either way.
 */
export const precisions = ['f32', 'bf16'] as const;

/** One of `precisions`. */
export type Precision = (typeof precisions)[number];

/** Whose convolutions: `auto` is oneDNN's where it is built and measured to be faster, and else our own. */
export const convolutionChoices = ['auto', 'own', 'onednn'] as const;

/** One of `convolutionChoices`. */
export type ConvolutionChoice = (typeof convolutionChoices)[number];

/** What an engine may ask of the native kernels beside threads. */
export interface NativeOptions {
  readonly precision: Precision;
  readonly convolutions: ConvolutionChoice;
}

/** float32, which every backend computes alike but for rounding, and the faster convolutions. */
export const nativeDefaults: NativeOptions = Object.freeze({
  precision: 'f32',
  convolutions: 'auto',
});

/**
 * The backend to look for: `auto` means `native` where no other has what is asked for.
 *
 * @throws {ComputeError} 'native_only' when another was asked for.
 */
export function backendWith<Name extends string>(
  backend: Name | 'auto',
  options: Partial<NativeOptions>,
): Name | 'auto' | 'native' {
  const { precision, convolutions } = { ...nativeDefaults, ...options };
  const asked = [
    ...(precision === 'f32' ? [] : [{ asked: 'precision bf16', instead: 'precision f32' }]),
    ...(convolutions === 'onednn'
      ? [{ asked: 'convolutions onednn', instead: 'convolutions auto' }]
      : []),
  ][0];
  if (asked === undefined) return backend;
  if (backend === 'auto' || backend === 'native') return 'native';
  throw new ComputeError({ code: 'native_only', backend, ...asked });
}
