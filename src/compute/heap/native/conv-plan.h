/**
 * Which parts of a convolution see which taps. Along each axis the positions fall into segments that reach the same run
 * of taps inside the tensor, so that neither kernel needs a padded copy: a border is a region with a smaller window.
 */
#pragma once

#include <vector>

#include "kernels.h"

namespace annulus {

/** Positions of one axis that see the same taps. */
struct Segment {
  /** In the tensor that has the positions: the first one, and the step to the next. */
  int position, positionStep;
  int count;
  /** In the tensor under the window: where the first tap of the first position is, and the step per position. */
  int input, inputStep;
  /** The taps, in the order of the packed weights. */
  int tap, taps;
};

/**
 * Positions of one axis that meet taps `lastTap, lastTap - stride, …` of the weights, all of them or those of one phase
 * of the stride.
 */
struct Phase {
  /** The weights' tap that is packed first, the step to the next, and how many there are. */
  int firstTap, tapStep, taps;
  std::vector<Segment> segments;
};

/** The forward convolution along one axis: one phase, taps in their own order. */
Phase forwardPhase(const ConvShape& shape, int axis);

/** The input gradient along one axis: position i ≡ phase (mod stride) meets the outputs (i + pad - tap) / stride. */
std::vector<Phase> inputPhases(const ConvShape& shape, int axis);

/** Points (batch, z, y, x) with a place in each of two tensors, linear in the four. Steps are in floats. */
struct Region {
  long batch;
  long counts[3];
  long first, firstSteps[4];
  long second, secondSteps[4];
  /** The window: taps along z and y with their steps in the first tensor, and one run of taps × channels along x. */
  int tapsZ, tapsY, tapsX;
  long stepZ, stepY, run;
  /** In steps of the packed weights: where the window begins in them, and their steps along z and y. */
  long weight, weightZ, weightY;

  /** Points along x lie side by side and share inputs: stride 1, three taps. */
  bool overlaps() const { return tapsX == 3 && firstSteps[3] * 3 == run; }
  long points() const { return batch * counts[0] * counts[1] * counts[2]; }
};

/** `[d, h, w, channels]` of the two tensors that a region joins; the first is the one under the window. */
struct Extents {
  std::array<int, 3> first, second;
  int firstChannels, secondChannels;
};

/** One region for each combination of segments; `z`, `y` and `x` are phases of their axes. */
std::vector<Region> regionsOf(long batch, const Extents& extents, const Phase& z, const Phase& y,
                              const Phase& x);

/** A grid point's two places, in floats. */
struct Place {
  long first, second;
};

/** The places of the points `from … from + count - 1` of a region. */
void fillPlaces(const Region& region, long from, long count, Place* places);

}  // namespace annulus
