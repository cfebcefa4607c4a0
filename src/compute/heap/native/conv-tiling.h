/** Register tiles of the two products: some points or rows × some vectors of outputs. */
#pragma once

#include <algorithm>

#include "vectors.h"

namespace annulus {

/** Points whose places are worked out at once, and that pass under a tile's weights together. */
constexpr long blockPoints = 192;

/** Points or rows of a tile of so many vectors: what the registers hold beside the weights and an input. */
template <int vectors>
constexpr int tileHeight() {
#if defined(__AVX512F__) || defined(__aarch64__)
  return 8;
#else
  return vectors == 1 ? 8 : vectors == 2 ? 6 : 4;
#endif
}

/** Outputs in tiles of one to three vectors of `width` floats; of the last vector they may fill only a part. */
struct Tiling {
  int width, outputs, vectors;

  explicit Tiling(int outputs)
      : width(outputs <= lanes / 2 && lanes > 4 ? lanes / 2 : lanes),
        outputs(outputs),
        vectors((outputs + width - 1) / width) {}

  /** Pairs, and one of three where the number is odd. */
  int tiles() const { return std::max(1, vectors / 2); }
  int first(int tile) const { return 2 * tile; }
  int count(int tile) const { return tile + 1 < tiles() ? 2 : vectors - first(tile); }
};

}  // namespace annulus
