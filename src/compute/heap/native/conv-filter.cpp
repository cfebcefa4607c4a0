/**
 * The product under every filter gradient:
 *
 *   sums[z][y][r][o] = Σ g  in[g + z·stepZ + y·stepY + r] · gradient[g][o]
 *
 * over the points g of regions, the window as in `conv-product.cpp`. A tile of some rows r × some vectors of outputs
 * lives in registers while a block of points streams by; each block starts at zero and is added to its share's sums at
 * its end, and the shares, which depend on the sizes alone, are added up in their order.
 */
#include <algorithm>

#include "conv-plan.h"
#include "conv-terms.h"
#include "conv-tiling.h"
#include "parallel.h"
#include "vectors.h"
#include "winograd.h"

namespace annulus {
namespace {

/** Shares of the points at most, floats that all their sums may take, and pieces of work below which outputs are split. */
constexpr long sharesMax = 64;
constexpr long sumFloatsMax = 1 << 21;
constexpr long itemsWanted = 16;

/** The points of one block: the inputs and the gradients at their places. */
template <class Terms>
struct Block {
  const typename Terms::Value* input;
  const typename Terms::Value* gradient;
  const Place* places;
  long count;
};

/** Adds to `rows` rows of sums: of the inputs at `offsets` with some vectors of the gradient. */
template <class Terms, int width, int rows, int vectors>
void accumulate(const Block<Terms>& block, const long* offsets, float* const* sums) {
  typedef Floats<width> Vector;
  typedef typename Terms::Value Value;
  Vector parts[rows][vectors] = {};
  const Value* in[rows];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) in[i] = block.input + offsets[i];
  for (const Place *place = block.places, *end = place + block.count; place < end; place++) {
    const Value* g = block.gradient + place->second;
    const long at = place->first;
    decltype(load<width>(g)) gradient[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) gradient[v] = load<width>(g + v * width);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const Value value = in[i][at];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; v++) {
        parts[i][v] = Terms::template add<width>(parts[i][v], gradient[v], value);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
      float* to = sums[i] + v * width;
      store<width>(to, load<width>(to) + parts[i][v]);
    }
  }
}

/** The rows of a region's window: their offsets in the input and their places among the weights. */
struct Rows {
  std::vector<long> offsets, steps;

  explicit Rows(const Region& region) {
    for (int z = 0; z < region.tapsZ; z++) {
      for (int y = 0; y < region.tapsY; y++) {
        for (long r = 0; r < region.run; r++) {
          offsets.push_back(z * region.stepZ + y * region.stepY + r);
          steps.push_back(region.weight + z * region.weightZ + y * region.weightY + r);
        }
      }
    }
  }
};

/** All rows of a window from `from`, in tiles of as many as fit, then of halves of that. */
template <class Terms, int width, int vectors, int rows = tileHeight<vectors>()>
void accumulateAll(const Block<Terms>& block, const Rows& window, long from, float* sums, long step) {
  for (const long end = window.offsets.size(); from + rows <= end; from += rows) {
    float* to[rows];
    for (int i = 0; i < rows; i++) to[i] = sums + window.steps[from + i] * step;
    accumulate<Terms, width, rows, vectors>(block, &window.offsets[from], to);
  }
  if constexpr (rows > 1) {
    accumulateAll<Terms, width, vectors, rows / 2>(block, window, from, sums, step);
  }
}

template <int width, class Terms>
void accumulateTile(int vectors, const Block<Terms>& block, const Rows& window, float* sums,
                    long step) {
  if (vectors == 1) accumulateAll<Terms, width, 1>(block, window, 0, sums, step);
  else if (vectors == 2) accumulateAll<Terms, width, 2>(block, window, 0, sums, step);
  else accumulateAll<Terms, width, 3>(block, window, 0, sums, step);
}

/** Which blocks a share of the points has: `from … from + count - 1` of a region. */
struct Stretch {
  long region, from, count;
};

std::vector<Stretch> stretchesOf(const std::vector<Region>& regions) {
  std::vector<Stretch> stretches;
  for (size_t k = 0; k < regions.size(); k++) {
    const long points = regions[k].points();
    for (long from = 0; from < points; from += blockPoints) {
      stretches.push_back({static_cast<long>(k), from, std::min(blockPoints, points - from)});
    }
  }
  return stretches;
}

/** Copies the gradients at the places to rows of `wide`, joined where points are `step` apart; how many rows there are. */
template <class Terms>
long gather(Place* places, long count, long step, const float* dy, int outputs, long wide,
            typename Terms::Value* rows) {
  long row = 0;
  for (long p = 0; p < count; p++, row++) {
    const Place place = places[p];
    const bool joins =
        Terms::size == 2 && p + 1 < count && places[p + 1].first - place.first == step;
    const long next = joins ? places[p + 1].second - place.second : 0;
    for (int o = 0; o < outputs; o++) {
      rows[row * wide + o] = Terms::join(dy + place.second + o, next, joins);
    }
    places[row] = {place.first, row * wide};
    if (joins) p++;
  }
  return row;
}

/** `step` is between the two inputs of a pair. */
template <class Terms>
void filterGradient(const ConvShape& shape, const typename Terms::Value* x, long step,
                    const float* dy, float* dw) {
  typedef typename Terms::Value Value;
  const Phase phases[] = {forwardPhase(shape, 0), forwardPhase(shape, 1), forwardPhase(shape, 2)};
  const Extents extents{shape.input, shape.output, shape.inputs, shape.outputs};
  const std::vector<Region> regions =
      regionsOf(shape.batch, extents, phases[0], phases[1], phases[2]);
  const std::vector<Rows> windows(regions.begin(), regions.end());
  const std::vector<Stretch> stretches = stretchesOf(regions);
  const Tiling tiling(shape.outputs);
  const long wide = static_cast<long>(tiling.vectors) * tiling.width;
  const long taps = static_cast<long>(shape.kernel[0]) * shape.kernel[1] * shape.kernel[2];
  const long size = taps * shape.inputs * wide;
  const long blocks = stretches.size();
  const long shares = std::clamp(sumFloatsMax / size, 1L, std::min(blocks, sharesMax));
  const long parts = std::min<long>(tiling.tiles(), (itemsWanted + shares - 1) / shares);
  std::vector<float> sums(shares * size);
  parallelFor(shares * parts, [&](long piece) {
    const long share = piece / parts, part = piece % parts;
    const int tile = tiling.tiles() * part / parts, tileEnd = tiling.tiles() * (part + 1) / parts;
    // Vectors past the last output would read past the tensor: then the gradients are copied, as pairs always are.
    std::vector<Value> copy(Terms::size == 1 && shape.outputs == wide ? 0 : blockPoints * wide);
    Place places[blockPoints];
    for (long k = blocks * share / shares; k < blocks * (share + 1) / shares; k++) {
      const Stretch& stretch = stretches[k];
      fillPlaces(regions[stretch.region], stretch.from, stretch.count, places);
      const Value* gradients = copy.data();
      long count = stretch.count;
      if (!copy.empty()) {
        count = gather<Terms>(places, count, step, dy, shape.outputs, wide, copy.data());
      } else if constexpr (Terms::size == 1) {
        gradients = dy;
      }
      for (int t = tile; t < tileEnd; t++) {
        const long from = tiling.first(t) * tiling.width;
        const Block<Terms> block{x, gradients + from, places, count};
        float* to = &sums[share * size + from];
        const Rows& window = windows[stretch.region];
        if (tiling.width == lanes) {
          accumulateTile<lanes>(tiling.count(t), block, window, to, wide);
        } else if constexpr (lanes > 4) {
          accumulateTile<lanes / 2>(tiling.count(t), block, window, to, wide);
        }
      }
    }
  });
  parallelFor(taps, [&](long tap) {
    const long floats = shape.inputs * wide;
    float* total = &sums[tap * floats];
    for (long share = 1; share < shares; share++) {
      const float* part = total + share * size;
      for (long k = 0; k < floats; k++) total[k] += part[k];
    }
    for (long i = 0; i < shape.inputs; i++) {
      for (long o = 0; o < shape.outputs; o++) {
        dw[(o * shape.inputs + i) * taps + tap] = total[i * wide + o];
      }
    }
  });
}

}  // namespace

void convFilterGradient(const ConvShape& shape, const float* x, const float* dy, float* dw) {
  if (shape.tiled) return winogradFilterGradient(shape, x, dy, dw);
  filterGradient<Singles>(shape, x, 0, dy, dw);
}

void convFilterGradientPairs(const ConvShape& shape, const float* x, const float* dy, float* dw) {
  // The inputs of neighbours along x, as far apart as their windows.
  const long step = static_cast<long>(shape.stride[2]) * shape.inputs;
  const auto pairs = bf16StepPairs(x, shape.inputVoxels() * shape.inputs, step);
  filterGradient<Pairs>(shape, pairs.get(), step, dy, dw);
}

}  // namespace annulus
