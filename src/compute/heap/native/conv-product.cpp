/**
 * The product under the forward convolution, the input gradient, the transposed convolution and the dense product:
 *
 *   out[g][o] = bias[o] + Σ z, y, r  in[g + z·stepZ + y·stepY + r] · weights[z][y][r][o]
 *
 * over the points g of regions. Along x, taps and channels lie side by side in a channels-last tensor, so r runs over
 * both at once. A tile of some points × some vectors of outputs stays in registers while the weights stream by; every
 * output is one sum in one order, so no division of the work changes a bit.
 */
#include <algorithm>
#include <cstring>
#include <memory>

#include "conv-plan.h"
#include "conv-terms.h"
#include "conv-tiling.h"
#include "parallel.h"
#include "vectors.h"
#include "winograd.h"

namespace annulus {
namespace {

/** Calls with fewer blocks than this are split along the outputs too. */
constexpr long itemsWanted = 64;

/** Where the sums of a tile come from and go to. */
template <class Terms>
struct Tile {
  const typename Terms::Value* input;
  /** At the region's first step of the weights. */
  const typename Terms::Value* weights;
  const float* bias;
  float* output;
  /** Floats to write of the tile's last vector. */
  int last;
};

/** Writes the sums of a point to its outputs. */
template <class Terms, int width, int vectors>
ANNULUS_INLINE void storeSums(const Tile<Terms>& tile, long place,
                              const Floats<width> (&sums)[vectors]) {
  float* to = tile.output + place;
#pragma GCC unroll 8
  for (int v = 0; v + 1 < vectors; v++) store<width>(to + v * width, sums[v]);
  to += (vectors - 1) * width;
  // A copy, so that the sums themselves have no address and stay in registers.
  const Floats<width> last = sums[vectors - 1];
  if (tile.last == width) store<width>(to, last);
  else std::memcpy(to, &last, tile.last * sizeof(float));
}

template <class Terms, int width, int points, int vectors>
void multiply(const Region& region, const Tile<Terms>& tile, const Place* places) {
  typedef Floats<width> Vector;
  typedef typename Terms::Value Value;
  constexpr long step = width * vectors;
  Vector sums[points][vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; v++) {
    const Vector start = load<width>(tile.bias + v * width);
#pragma GCC unroll 8
    for (int i = 0; i < points; i++) sums[i][v] = start;
  }
  for (int z = 0; z < region.tapsZ; z++) {
    for (int y = 0; y < region.tapsY; y++) {
      const Value* in[points];
#pragma GCC unroll 8
      for (int i = 0; i < points; i++) {
        in[i] = tile.input + places[i].first + z * region.stepZ + y * region.stepY;
      }
      const Value* w = tile.weights + (z * region.weightZ + y * region.weightY) * step;
      for (long r = 0; r < region.run; r++, w += step) {
        decltype(load<width>(w)) weight[vectors];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) weight[v] = load<width>(w + v * width);
#pragma GCC unroll 8
        for (int i = 0; i < points; i++) {
          const Value value = in[i][r];
#pragma GCC unroll 8
          for (int v = 0; v < vectors; v++) {
            sums[i][v] = Terms::template add<width>(sums[i][v], weight[v], value);
          }
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < points; i++) storeSums<Terms, width, vectors>(tile, places[i].second, sums[i]);
}

/**
 * The same for points side by side whose windows of three taps overlap: each input is read once for the three points
 * that it reaches, which counts where a tile has few vectors of outputs.
 */
template <class Terms, int width, int points, int vectors>
void multiplyRow(const Region& region, const Tile<Terms>& tile, Place place) {
  typedef Floats<width> Vector;
  typedef typename Terms::Value Value;
  constexpr long step = width * vectors;
  const long channels = region.run / 3;
  Vector sums[points][vectors];
#pragma GCC unroll 16
  for (int v = 0; v < vectors; v++) {
    const Vector start = load<width>(tile.bias + v * width);
#pragma GCC unroll 16
    for (int i = 0; i < points; i++) sums[i][v] = start;
  }
  for (int z = 0; z < region.tapsZ; z++) {
    for (int y = 0; y < region.tapsY; y++) {
      const Value* in[points + 2];
#pragma GCC unroll 16
      for (int i = 0; i < points + 2; i++) {
        in[i] = tile.input + place.first + z * region.stepZ + y * region.stepY + i * channels;
      }
      const Value* w = tile.weights + (z * region.weightZ + y * region.weightY) * step;
      for (long c = 0; c < channels; c++, w += step) {
        decltype(load<width>(w)) weight[3][vectors];
#pragma GCC unroll 16
        for (int t = 0; t < 3; t++) {
#pragma GCC unroll 16
          for (int v = 0; v < vectors; v++) {
            weight[t][v] = load<width>(w + t * channels * step + v * width);
          }
        }
#pragma GCC unroll 16
        for (int i = 0; i < points + 2; i++) {
          const Value value = in[i][c];
#pragma GCC unroll 16
          for (int t = 0; t < 3; t++) {
            if (i - t < 0 || i - t >= points) continue;
#pragma GCC unroll 16
            for (int v = 0; v < vectors; v++) {
              sums[i - t][v] = Terms::template add<width>(sums[i - t][v], weight[t][v], value);
            }
          }
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < points; i++) {
    storeSums<Terms, width, vectors>(tile, place.second + i * region.secondSteps[3], sums[i]);
  }
}

/** All of `count` places, in tiles of as many points as fit, then of halves of that. */
template <class Terms, int width, int vectors, int points = tileHeight<vectors>()>
void multiplyAll(const Region& region, const Tile<Terms>& tile, const Place* places, long count) {
  for (; count >= points; count -= points, places += points) {
    multiply<Terms, width, points, vectors>(region, tile, places);
  }
  if constexpr (points > 1) {
    multiplyAll<Terms, width, vectors, points / 2>(region, tile, places, count);
  }
}

template <class Terms, int width, int vectors>
void multiplyRows(const Region& region, const Tile<Terms>& tile, const Place* places, long count) {
  constexpr int points = 8;
  const long channels = region.run / 3;
  while (count > 0) {
    long inRow = 1;
    while (inRow < count && places[inRow].first - places[inRow - 1].first == channels) inRow++;
    long i = 0;
    for (; i + points <= inRow; i += points) {
      multiplyRow<Terms, width, points, vectors>(region, tile, places[i]);
    }
    if (i + points / 2 <= inRow) {
      multiplyRow<Terms, width, points / 2, vectors>(region, tile, places[i]);
      i += points / 2;
    }
    multiplyAll<Terms, width, vectors>(region, tile, places + i, inRow - i);
    places += inRow;
    count -= inRow;
  }
}

template <int width, class Terms>
void multiplyBlock(int vectors, const Region& region, const Tile<Terms>& tile, const Place* places,
                   long count) {
  if (vectors == 1 && region.overlaps()) {
    return multiplyRows<Terms, width, 1>(region, tile, places, count);
  }
  if (vectors == 1) multiplyAll<Terms, width, 1>(region, tile, places, count);
  else if (vectors == 2) multiplyAll<Terms, width, 2>(region, tile, places, count);
  else multiplyAll<Terms, width, 3>(region, tile, places, count);
}

/** Weights of the phases of three axes, and which of `[O, I, kd, kh, kw]` is the output of the product. */
struct Packing {
  const float* weights;
  int inputs;
  long outputStep, inputStep, tapSteps[3];
  const Phase* phases[3];

  template <class Terms>
  long steps() const {
    return static_cast<long>(phases[0]->taps) * phases[1]->taps * phases[2]->taps *
           valuesOf<Terms>(inputs);
  }
};

/** Per tile `[z][y][x][input][outputs of the tile]`, zeros past the last output. */
template <class Terms>
void pack(const Packing& packing, const Tiling& tiling, typename Terms::Value* packed) {
  const auto& [z, y, x] = packing.phases;
  const long rows = static_cast<long>(z->taps) * y->taps * x->taps;
  parallelFor(tiling.tiles() * rows, [&](long piece) {
    const long tile = piece / rows, row = piece % rows;
    const int tz = row / x->taps / y->taps, ty = row / x->taps % y->taps, tx = row % x->taps;
    const int from = tiling.first(tile) * tiling.width;
    const int wide = tiling.count(tile) * tiling.width;
    const int used = std::min(wide, tiling.outputs - from);
    const float* at = packing.weights + from * packing.outputStep +
                      (z->firstTap + tz * z->tapStep) * packing.tapSteps[0] +
                      (y->firstTap + ty * y->tapStep) * packing.tapSteps[1] +
                      (x->firstTap + tx * x->tapStep) * packing.tapSteps[2];
    const long first = packing.steps<Terms>() * from;
    auto* to = packed + first + row * valuesOf<Terms>(packing.inputs) * wide;
    for (int i = 0; i < packing.inputs; i += Terms::size, to += wide) {
      const float* input = at + i * packing.inputStep;
      for (int o = 0; o < used; o++) {
        to[o] = Terms::join(input + o * packing.outputStep, packing.inputStep,
                            i + 1 < packing.inputs);
      }
      std::fill(to + used, to + wide, 0);
    }
  });
}

/** A block of a region and a range of tiles. */
struct Item {
  const Region* region;
  long from, count;
  int tile, tileEnd;
};

std::vector<Item> itemsOf(const std::vector<Region>& regions, int tiles) {
  std::vector<Item> blocks;
  for (const Region& region : regions) {
    const long points = region.points();
    for (long from = 0; from < points; from += blockPoints) {
      blocks.push_back({&region, from, std::min(blockPoints, points - from), 0, tiles});
    }
  }
  const long shares = std::min<long>(tiles, (itemsWanted + blocks.size() - 1) / blocks.size());
  if (shares == 1) return blocks;
  std::vector<Item> items;
  for (long share = 0; share < shares; share++) {
    for (Item item : blocks) {
      item.tile = tiles * share / shares;
      item.tileEnd = tiles * (share + 1) / shares;
      items.push_back(item);
    }
  }
  return items;
}

/** The product over all the regions of one combination of phases. */
template <class Terms>
void product(const Packing& packing, const std::vector<Region>& regions,
             const typename Terms::Value* input, const float* bias, int outputs, float* output) {
  const Tiling tiling(outputs);
  const long wide = static_cast<long>(tiling.vectors) * tiling.width;
  const long steps = packing.steps<Terms>();
  std::unique_ptr<typename Terms::Value[]> packed(new typename Terms::Value[steps * wide]);
  pack<Terms>(packing, tiling, packed.get());
  std::vector<float> start(wide);
  if (bias != nullptr) std::copy_n(bias, outputs, start.begin());
  const std::vector<Item> items = itemsOf(regions, tiling.tiles());
  parallelFor(items.size(), [&](long piece) {
    const Item& item = items[piece];
    const Region& region = *item.region;
    Place places[blockPoints];
    fillPlaces(region, item.from, item.count, places);
    for (int t = item.tile; t < item.tileEnd; t++) {
      const int from = tiling.first(t) * tiling.width;
      const int vectors = tiling.count(t);
      const long step = static_cast<long>(vectors) * tiling.width;
      const int last = std::min<int>(tiling.width, outputs - from - step + tiling.width);
      const Tile<Terms> tile{input, packed.get() + steps * from + region.weight * step,
                             start.data() + from, output + from, last};
      if (tiling.width == lanes) multiplyBlock<lanes>(vectors, region, tile, places, item.count);
      else if constexpr (lanes > 4) {
        multiplyBlock<lanes / 2>(vectors, region, tile, places, item.count);
      }
    }
  });
}

template <class Terms>
void forward(const ConvShape& shape, const typename Terms::Value* x, const float* w,
             const float* bias, float* y) {
  const auto [kd, kh, kw] = shape.kernel;
  const long taps = static_cast<long>(kd) * kh * kw;
  const Phase phases[] = {forwardPhase(shape, 0), forwardPhase(shape, 1), forwardPhase(shape, 2)};
  const Packing packing{w,
                        shape.inputs,
                        shape.inputs * taps,
                        taps,
                        {static_cast<long>(kh) * kw, kw, 1},
                        {&phases[0], &phases[1], &phases[2]}};
  const Extents extents{shape.input, shape.output, valuesOf<Terms>(shape.inputs), shape.outputs};
  product<Terms>(packing, regionsOf(shape.batch, extents, phases[0], phases[1], phases[2]), x,
                 bias, shape.outputs, y);
}

template <class Terms>
void inputGradient(const ConvShape& shape, const typename Terms::Value* dy, const float* w,
                   const float* bias, float* dx) {
  const auto [kd, kh, kw] = shape.kernel;
  const long taps = static_cast<long>(kd) * kh * kw;
  const std::vector<Phase> phases[] = {inputPhases(shape, 0), inputPhases(shape, 1),
                                       inputPhases(shape, 2)};
  const Extents extents{shape.output, shape.input, valuesOf<Terms>(shape.outputs), shape.inputs};
  for (const Phase& z : phases[0]) {
    for (const Phase& y : phases[1]) {
      for (const Phase& x : phases[2]) {
        const Packing packing{w,
                              shape.outputs,
                              taps,
                              shape.inputs * taps,
                              {static_cast<long>(kh) * kw, kw, 1},
                              {&z, &y, &x}};
        product<Terms>(packing, regionsOf(shape.batch, extents, z, y, x), dy, bias, shape.inputs,
                       dx);
      }
    }
  }
}

}  // namespace

void convForward(const ConvShape& shape, const float* x, const float* w, const float* bias,
                 float* y) {
  if (shape.tiled) return winogradForward(shape, x, w, bias, y);
  forward<Singles>(shape, x, w, bias, y);
}

void convForwardPairs(const ConvShape& shape, const float* x, const float* w, const float* bias,
                      float* y) {
  const auto pairs = bf16ChannelPairs(x, shape.inputVoxels(), shape.inputs);
  forward<Pairs>(shape, pairs.get(), w, bias, y);
}

void convInputGradient(const ConvShape& shape, const float* dy, const float* w, const float* bias,
                       float* dx) {
  if (shape.tiled) return winogradInputGradient(shape, dy, w, bias, dx);
  inputGradient<Singles>(shape, dy, w, bias, dx);
}

void convInputGradientPairs(const ConvShape& shape, const float* dy, const float* w,
                            const float* bias, float* dx) {
  const auto pairs = bf16ChannelPairs(dy, shape.outputVoxels(), shape.outputs);
  inputGradient<Pairs>(shape, pairs.get(), w, bias, dx);
}

}  // namespace annulus
