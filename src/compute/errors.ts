/** What can go wrong between a request for compute and the machine. */
import { AnnulusError } from '../base/index.ts';

/** Each way in which compute is refused or fails, with the facts that its message names. */
export type ComputeErrorFacts =
  | {
      readonly code: 'backend_missing';
      readonly backend: string;
      readonly detail: string;
      readonly howToGet: string;
    }
  | { readonly code: 'kernels_missing'; readonly lookedIn: string }
  /** Asked of another backend than the one that has it. */
  | {
      readonly code: 'native_only';
      readonly backend: string;
      readonly asked: string;
      readonly instead: string;
    }
  /** What the device reported: most often that its memory is full. */
  | { readonly code: 'gpu_failed'; readonly message: string }
  | {
      readonly code: 'heap_exhausted';
      readonly requestedBytes: number;
      readonly heapBytes: number;
      readonly heapBytesMax: number;
    }
  | { readonly code: 'thread_failed'; readonly detail: string }
  | { readonly code: 'bad_shape'; readonly operation: string; readonly expected: string };

/** What `compute` throws; its message says what to do. */
export class ComputeError extends AnnulusError<ComputeErrorFacts> {
  constructor(facts: ComputeErrorFacts, options?: { cause?: unknown }) {
    super(facts, describe(facts), options);
  }
}

function describe(facts: ComputeErrorFacts): string {
  switch (facts.code) {
    case 'backend_missing':
      return `no ${facts.backend} backend: ${facts.detail}; to get it: ${facts.howToGet}`;
    case 'kernels_missing':
      return `no build/kernels.wasm above ${facts.lookedIn}: run "node scripts/build-kernels.ts"`;
    case 'native_only':
      return `${facts.backend} has no ${facts.asked}: take backend native, or ${facts.instead}`;
    case 'gpu_failed':
      return `the graphics device reported: ${facts.message}`;
    case 'heap_exhausted':
      return (
        `the compute heap cannot give ${facts.requestedBytes} bytes: it holds ${facts.heapBytes} and may ` +
        `grow to ${facts.heapBytesMax}; use smaller patches, a smaller batch or fewer features`
      );
    case 'thread_failed':
      return `a compute thread failed: ${facts.detail}`;
    case 'bad_shape':
      return `${facts.operation}: expected ${facts.expected}`;
  }
}
