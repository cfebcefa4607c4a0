/**
 * The record of a reproduction: everything its table and report show, as plain JSON. `null` means "not measured". Neither
 * clocks nor folders are in it: the same settings and seeds give the same bytes.
 */
import type { HospitalRecord, TaskRecord } from './run-record.ts';

/** Written into `results.json`; a reader refuses another. */
export const reproductionVersion = 1;

/** The content of `results.json`. */
export interface ReproductionRecord {
  readonly version: typeof reproductionVersion;
  readonly preset: string;
  readonly seeds: readonly number[];
  /** What computed, with what its rounding depends on. */
  readonly backend: string;
  readonly tasks: readonly TaskRecord[];
  readonly hospitals: readonly HospitalRecord[];
  /** In the order of the paper's table. */
  readonly arms: readonly ArmRecord[];
  readonly models: readonly ModelRecord[];
  /** By arm, task and group; over all seeds, and for each. */
  readonly groups: readonly GroupFigures[];
  /** By arm, task and hospital, over all seeds. */
  readonly hospitalFigures: readonly HospitalFigures[];
  readonly verdicts: readonly VerdictRecord[];
  readonly downstream: DownstreamRecord;
  /** The paper's own medians, read off its figures. */
  readonly paper: readonly PaperMedian[];
  readonly settings: unknown;
}

/** A row of the paper's table: a network in a regime. */
export interface ArmRecord {
  readonly id: string;
  readonly title: string;
  readonly network: 'unet' | 'swin';
}

/** One trained model. */
export interface ModelRecord {
  readonly seed: number;
  readonly id: string;
  readonly arm: string;
  readonly tasks: readonly string[];
  /** Who trained it. */
  readonly hospitals: readonly string[];
  /** Optimiser steps of each of them. */
  readonly steps: number;
  readonly parameterCount: number;
  /** SHA-256 of the last model. */
  readonly digest: string | null;
  /** Mean training loss by round. */
  readonly losses: readonly number[];
}

/** `training`: clients that labelled the task; `other`: clients that never did. */
export type ClientGroup = 'training' | 'other';

/** Interval that holds a median at 95 % confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What one arm is worth in one task on some cases. Distances in mm, or Dice. */
export interface Figures {
  readonly unit: 'mm' | 'dice';
  /** Points found, or cases with a defined Dice. */
  readonly n: number;
  readonly median: number | null;
  readonly lowerQuartile: number | null;
  readonly upperQuartile: number | null;
  /** Of the median: percentile bootstrap over patients. */
  readonly interval: Interval | null;
  /**
   * Median over all points, a missed one counted as farther than any: a model that finds only what is easy does not win by
   * it. `null` when half or more are missed. The same as `median` for Dice.
   */
  readonly medianWithMissed: number | null;
  /** Share of points not found; `null` for a segmentation. */
  readonly missRate: number | null;
  /** Cases without the structure: Dice is undefined there, so they are not in `n`. */
  readonly undefinedCount: number;
  /**
   * Expected calibration error over the voxels that are predicted as something or truly are something, 0 to 1; `null` where
   * there are none.
   */
  readonly calibrationError: number | null;
  /** Median distance to where the hospital's annotator put the point; `null` for a segmentation. */
  readonly annotatorMedian: number | null;
}

/** One arm and task at training or at other clients. */
export interface GroupFigures extends Figures {
  readonly arm: string;
  readonly task: string;
  readonly group: ClientGroup;
  /** `null`: all seeds together. */
  readonly seed: number | null;
  /** Every single figure, for all seeds together; empty for one seed. */
  readonly values: readonly number[];
}

/** One arm and task at one hospital, all seeds together. */
export interface HospitalFigures extends Figures {
  readonly arm: string;
  readonly task: string;
  readonly hospital: string;
  readonly group: ClientGroup;
}

/** A landmark that no task taught, by a probe on frozen backbones. */
export interface DownstreamRecord {
  readonly landmark: string;
  /** Cases that trained the head, and its optimiser steps. */
  readonly trainingCases: number;
  readonly steps: number;
  /** By arm of the backbone; over all seeds, and for each. Distances to the truth. */
  readonly figures: readonly DownstreamFigures[];
}

/** Distances of one backbone's probe. */
export interface DownstreamFigures extends Omit<Figures, 'annotatorMedian' | 'calibrationError'> {
  readonly arm: string;
  readonly seed: number | null;
  /** Every single distance, for all seeds together; empty for one seed. */
  readonly values: readonly number[];
}

/** A median of the paper, read off its figures: mm or Dice. */
export interface PaperMedian {
  readonly arm: string;
  readonly task: string;
  readonly group: ClientGroup;
  readonly median: number;
}

/** One claim of the paper, put to the test. */
export interface VerdictRecord {
  readonly id: string;
  readonly claim: string;
  /** `null`: there is nothing to decide it by. */
  readonly holds: boolean | null;
  /** The figures that decide it. */
  readonly figures: string;
  readonly bySeed: readonly {
    readonly seed: number;
    readonly holds: boolean | null;
    readonly figures: string;
  }[];
  /** The same rule on the paper's own medians. */
  readonly paper: { readonly holds: boolean | null; readonly figures: string };
}
