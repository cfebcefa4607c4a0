/** Segments, phases and regions of a convolution. */
#include "conv-plan.h"

#include <algorithm>

namespace annulus {
namespace {

/** Appends a position, to the last segment if it sees the same taps. */
void append(std::vector<Segment>& segments, const Segment& next) {
  if (!segments.empty() && segments.back().tap == next.tap && segments.back().taps == next.taps) {
    segments.back().count++;
  } else {
    segments.push_back(next);
  }
}

}  // namespace

Phase forwardPhase(const ConvShape& shape, int axis) {
  const int kernel = shape.kernel[axis], stride = shape.stride[axis], pad = shape.pad[axis];
  Phase phase{0, 1, kernel, {}};
  for (int o = 0; o < shape.output[axis]; o++) {
    const int from = o * stride - pad;
    const int tap = std::min(kernel, std::max(0, -from));
    const int end = std::max(tap, std::min(kernel, shape.input[axis] - from));
    append(phase.segments, {o, 1, 1, from + tap, stride, tap, end - tap});
  }
  return phase;
}

std::vector<Phase> inputPhases(const ConvShape& shape, int axis) {
  const int kernel = shape.kernel[axis], stride = shape.stride[axis], pad = shape.pad[axis];
  std::vector<Phase> phases;
  for (int start = 0; start < std::min(stride, shape.input[axis]); start++) {
    Phase phase{0, -stride, 0, {}};
    for (int tap = 0; tap < kernel; tap++) {
      if ((start + pad - tap) % stride != 0) continue;
      phase.firstTap = tap;
      phase.taps++;
    }
    // The largest tap meets the first output.
    const int from = phase.taps == 0 ? 0 : (start + pad - phase.firstTap) / stride;
    for (int m = 0; start + m * stride < shape.input[axis]; m++) {
      const int tap = std::min(phase.taps, std::max(0, -(from + m)));
      const int end = std::max(tap, std::min(phase.taps, shape.output[axis] - from - m));
      append(phase.segments, {start + m * stride, stride, 1, from + m + tap, 1, tap, end - tap});
    }
    phases.push_back(std::move(phase));
  }
  return phases;
}

std::vector<Region> regionsOf(long batch, const Extents& extents, const Phase& z, const Phase& y,
                              const Phase& x) {
  const long firstX = extents.firstChannels, secondX = extents.secondChannels;
  const long firstY = firstX * extents.first[2], secondY = secondX * extents.second[2];
  const long firstZ = firstY * extents.first[1], secondZ = secondY * extents.second[1];
  const long weightY = x.taps * firstX, weightZ = y.taps * weightY;
  std::vector<Region> regions;
  for (const Segment& sz : z.segments) {
    for (const Segment& sy : y.segments) {
      for (const Segment& sx : x.segments) {
        Region region{};
        region.batch = batch;
        region.counts[0] = sz.count;
        region.counts[1] = sy.count;
        region.counts[2] = sx.count;
        region.first = sz.input * firstZ + sy.input * firstY + sx.input * firstX;
        region.firstSteps[0] = extents.first[0] * firstZ;
        region.firstSteps[1] = sz.inputStep * firstZ;
        region.firstSteps[2] = sy.inputStep * firstY;
        region.firstSteps[3] = sx.inputStep * firstX;
        region.second = sz.position * secondZ + sy.position * secondY + sx.position * secondX;
        region.secondSteps[0] = extents.second[0] * secondZ;
        region.secondSteps[1] = sz.positionStep * secondZ;
        region.secondSteps[2] = sy.positionStep * secondY;
        region.secondSteps[3] = sx.positionStep * secondX;
        // Where no tap reaches, there is nothing to read.
        region.tapsZ = sy.taps * sx.taps == 0 ? 0 : sz.taps;
        region.tapsY = sy.taps;
        region.tapsX = sx.taps;
        region.stepZ = firstZ;
        region.stepY = firstY;
        region.run = sx.taps * firstX;
        region.weight = sz.tap * weightZ + sy.tap * weightY + sx.tap * firstX;
        region.weightZ = weightZ;
        region.weightY = weightY;
        regions.push_back(region);
      }
    }
  }
  return regions;
}

void fillPlaces(const Region& region, long from, long count, Place* places) {
  long index[4] = {0, 0, 0, from};
  for (int axis = 3; axis > 0; axis--) {
    index[axis - 1] = index[axis] / region.counts[axis - 1];
    index[axis] %= region.counts[axis - 1];
  }
  while (count > 0) {
    Place place{region.first, region.second};
    for (int axis = 0; axis < 4; axis++) {
      place.first += index[axis] * region.firstSteps[axis];
      place.second += index[axis] * region.secondSteps[axis];
    }
    const long inRow = std::min(count, region.counts[2] - index[3]);
    for (long i = 0; i < inRow; i++) {
      places[i] = {place.first + i * region.firstSteps[3], place.second + i * region.secondSteps[3]};
    }
    places += inRow;
    count -= inRow;
    index[3] = 0;
    if (++index[2] == region.counts[1]) {
      index[2] = 0;
      if (++index[1] == region.counts[0]) {
        index[1] = 0;
        index[0]++;
      }
    }
  }
}

}  // namespace annulus
