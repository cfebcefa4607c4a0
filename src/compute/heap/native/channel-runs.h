/**
 * `[rows, channels]` as one flat run of floats, so that every channel count uses whole registers: which channel a lane
 * holds repeats every `period` floats, and per-channel tables and sums are written out over one period.
 *
 * Rows are dealt out in blocks that stay in the nearest cache, blocks in chunks that are one piece of work for a
 * thread. Both depend on the sizes alone, so results do not depend on the number of threads.
 */
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "vectors.h"

namespace annulus {

struct ChannelRuns {
  long rows;
  long channels;
  /** Floats; a multiple of the channels and of four registers. */
  long period;
  /** Rows of a block and of a chunk; whole periods. */
  long blockRows;
  long chunkRows;
  int chunks;

  ChannelRuns(long rows, long channels) : rows(rows), channels(channels) {
    period = std::lcm(channels, 4L * lanes);
    const long periodRows = period / channels;
    blockRows = roundUp(std::max(64L, blockFloats / channels), periodRows);
    const long spread = (rows + chunksMax - 1) / chunksMax;
    chunkRows = roundUp(std::max(spread, chunkFloats / channels), blockRows);
    chunks = static_cast<int>((rows + chunkRows - 1) / chunkRows);
  }

  /** Calls `body(row, count)` for each block of a chunk. */
  template <class Body>
  void eachBlock(long chunk, Body body) const {
    const long end = std::min(rows, (chunk + 1) * chunkRows);
    for (long row = chunk * chunkRows; row < end; row += blockRows) {
      body(row, std::min(blockRows, end - row));
    }
  }

  /**
   * Calls `body(at, from, end, width, registers)` for each column of a block of `count` rows: the floats
   * `from, from + period, …` below `end`, and as many beside each as the registers hold, are of the channels of the
   * table entries from `at`. What is left of the last period comes as columns of one float.
   */
  template <int registers, class Body>
  ANNULUS_INLINE void eachColumn(long count, Body body) const {
    const long floats = count * channels;
    const long whole = floats / period * period;
    for (long at = 0; at < period && whole > 0; at += registers * lanes) {
      body(at, at, whole, Width<lanes>{}, Width<registers>{});
    }
    for (long at = 0; whole + at < floats; at++) {
      body(at, whole + at, floats, Width<1>{}, Width<1>{});
    }
  }

  /** Calls `body(at, f, width)` for the floats of a block in their order: `f …` are of the table entries `at …`. */
  template <class Body>
  ANNULUS_INLINE void eachPeriod(long count, Body body) const {
    const long floats = count * channels;
    const long whole = floats / period * period;
    for (long start = 0; start < whole; start += period) {
      for (long at = 0; at < period; at += lanes) body(at, start + at, Width<lanes>{});
    }
    for (long at = 0; whole + at < floats; at++) body(at, whole + at, Width<1>{});
  }

  /** One value per channel, written out over a period. */
  template <class T>
  void expand(const T* values, float* table) const {
    for (long at = 0; at < period; at += channels) {
      for (long c = 0; c < channels; c++) table[at + c] = static_cast<float>(values[c]);
    }
  }

  /** Adds the sums of a period to those of the channels. */
  void fold(const float* sums, double* totals) const {
    for (long at = 0; at < period; at += channels) {
      for (long c = 0; c < channels; c++) totals[c] += sums[at + c];
    }
  }

 private:
  static constexpr long blockFloats = 2048;
  static constexpr long chunkFloats = 32768;
  static constexpr long chunksMax = 256;

  static long roundUp(long value, long step) { return (value + step - 1) / step * step; }
};

}  // namespace annulus
