/** How a site's cases are read, and what there is to say of one. */
import type { CaseProblem, CaseState, ReadingSettings } from '../../data/index.ts';

/** How cases of a site are read. */
export interface SiteReading {
  readonly reading: ReadingSettings;
  /** Lines of the table of names. */
  readonly names: readonly string[];
  /** Of several CT series in a case: ask, take the one with most slices, or the one that has one of these keys. */
  readonly series: 'ask' | 'largest' | readonly string[];
  /** Whether labels that no heart usually has are believed. */
  readonly keepImplausible: boolean;
}

/** What there is to say of a case. */
export interface SiteLook {
  readonly state: CaseState;
  /** Null where it is ready. */
  readonly problem: CaseProblem | null;
  /** Tasks, and `heart`. */
  readonly labels: readonly string[];
  /** Voxels of the CT along [depth, height, width] of its own file; null where it could not be read. */
  readonly shape: readonly number[] | null;
  /** mm of a voxel, as `shape`, to three decimals. */
  readonly spacingMm: readonly number[] | null;
  /** Voxel to RAS mm, of its own file, row by row. */
  readonly affine: readonly number[] | null;
  /** Lowest and highest value, and the sum of all: to compare with another program. */
  readonly hu: { readonly min: number; readonly max: number; readonly sum: number } | null;
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}
