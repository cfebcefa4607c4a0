/**
 * The filter gradient of tiles: per position, rows of V `[kz][input]` times the transformed gradients, summed over the
 * tiles of a block in registers and then added to the sums of a share. Shares depend on the sizes alone and are added
 * up in their order.
 *
 * Scratch: the shares' sums, at most 32 MiB or one share's, which is four bytes × 108 × inputs × outputs (in whole
 * vectors), and `blockScratch`.
 */
#include <algorithm>
#include <vector>

#include "conv-tiling.h"
#include "parallel.h"
#include "winograd-lines.h"
#include "winograd.h"

namespace annulus {
namespace {

/** Lanes for the sums' transform, of which every register tile has a multiple. */
constexpr int n = 4;
/** Tiles of a share, where that makes neither fewer pieces of work than wanted nor more shares than this. */
constexpr long shareTiles = 512;
constexpr long itemsWanted = 16;
constexpr long sharesMax = 64;
/** Floats that the sums of all shares may take; where they leave too few shares, the outputs are split too. */
constexpr long sumFloatsMax = 8 << 20;

/** The tiles of one position in a block. */
struct Product {
  const float* v;
  long inputs;
  const float* gradient;
  /** Floats from one tile's gradients to the next. */
  long pitch;
  long count;
  float* sums;
  /** Floats from a row of sums to the next. */
  long step;
};

template <int width, int rows, int vectors>
void accumulate(const Product& product, const long* offsets, float* sums) {
  Floats<width> parts[rows][vectors] = {};
  const float* in[rows];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) in[i] = product.v + offsets[i];
  const float* g = product.gradient;
  const long end = product.count * product.inputs;
  for (long at = 0; at < end; at += product.inputs, g += product.pitch) {
    Floats<width> gradient[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) gradient[v] = load<width>(g + v * width);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const float value = in[i][at];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; v++) parts[i][v] += gradient[v] * value;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
      float* to = sums + i * product.step + v * width;
      store<width>(to, load<width>(to) + parts[i][v]);
    }
  }
}

/** All rows from number `row` on, in as many at once as fit, then halves of that. */
template <int width, int vectors, int rows = tileHeight<vectors>()>
void accumulateAll(const Product& product, const std::vector<long>& offsets, long row) {
  for (const long end = offsets.size(); row + rows <= end; row += rows) {
    accumulate<width, rows, vectors>(product, &offsets[row], product.sums + row * product.step);
  }
  if constexpr (rows > 1) accumulateAll<width, vectors, rows / 2>(product, offsets, row);
}

template <int width>
void accumulateTile(int vectors, const Product& product, const std::vector<long>& offsets) {
  if (vectors == 1) accumulateAll<width, 1>(product, offsets, 0);
  else if (vectors == 2) accumulateAll<width, 2>(product, offsets, 0);
  else accumulateAll<width, 3>(product, offsets, 0);
}

/** Adds the other shares' sums to the first one's. */
void addShares(float* sums, long shares, long size) {
  const long floats = size / tilePositions;
  parallelFor(tilePositions, [&](long position) {
    float* total = sums + position * floats;
    for (long share = 1; share < shares; share++) {
      const float* part = total + share * size;
      for (long k = 0; k < floats; k++) total[k] += part[k];
    }
  });
}

/** Sums `[36][kz][input][wide]` → the gradients of the weights. */
void filterGradients(const float* sums, long wide, const ConvShape& shape, float* dw) {
  const long rows = 3L * shape.inputs;
  parallelFor(rows, [&](long row) {
    const long kz = row / shape.inputs, i = row % shape.inputs;
    for (long o = 0; o < shape.outputs; o += n) {
      Floats<n> result[3][3];
      bothAxes<n, 6, 3>(
          [&](int y, int x) { return load<n>(sums + ((y * 6 + x) * rows + row) * wide + o); },
          [](auto& s, auto& g) { sumLine<n>(s, g); },
          [&](int y, int x, Floats<n> value) { result[y][x] = value; });
      for (long k = 0; k < std::min<long>(n, shape.outputs - o); k++) {
        float* to = dw + ((o + k) * shape.inputs + i) * 27 + kz * 9;
        for (int tap = 0; tap < 9; tap++) to[tap] = result[tap / 3][tap % 3][k];
      }
    }
  });
}

}  // namespace

void winogradFilterGradient(const ConvShape& shape, const float* x, const float* dy, float* dw) {
  const TileGrid grid(shape);
  const Tiling tiling(shape.outputs);
  const int inputs = shape.inputs;
  const long wide = static_cast<long>(tiling.vectors) * tiling.width, rows = 3L * inputs;
  const long size = tilePositions * rows * wide;
  const TileBlocks blocks(grid, inputs, static_cast<int>(wide));
  const long wanted = std::clamp(grid.tiles() / shareTiles, itemsWanted, sharesMax);
  const long shares = std::clamp(sumFloatsMax / size, 1L, std::min(blocks.count(), wanted));
  const long parts = std::min<long>(tiling.tiles(), (itemsWanted + shares - 1) / shares);
  const long vStep = blocks.inputStep(inputs);
  std::vector<float> sums(shares * size);
  parallelFor(shares * parts, [&](long piece) {
    const long share = piece / parts, part = piece % parts;
    const int tile = tiling.tiles() * part / parts, tileEnd = tiling.tiles() * (part + 1) / parts;
    const int first = tiling.first(tile) * tiling.width;
    const int pitch = (tileEnd < tiling.tiles() ? tiling.first(tileEnd) * tiling.width : wide) - first;
    const int channels = std::min(pitch, shape.outputs - first);
    const long gStep = blocks.outputStep(pitch);
    float* const v = blockScratch(tilePositions * (vStep + gStep));
    float* const g = v + tilePositions * vStep;
    // Lanes past the last output stay zero.
    if (channels < pitch) std::fill_n(g, tilePositions * gStep, 0.0f);
    std::vector<long> offsets(rows);
    for (long k = blocks.count() * share / shares; k < blocks.count() * (share + 1) / shares; k++) {
      const TileBlock block = blocks.at(k);
      inputTiles(grid, block, x, inputs, v, vStep);
      gradientTiles(grid, block, dy, shape.outputs, first, channels, g, gStep, pitch);
      for (long row = 0; row < rows; row++) {
        offsets[row] = row / inputs * block.columns * inputs + row % inputs;
      }
      for (int p = 0; p < tilePositions; p++) {
        for (int t = tile; t < tileEnd; t++) {
          const long from = tiling.first(t) * tiling.width;
          const Product call{v + p * vStep,
                             inputs,
                             g + p * gStep + from - first,
                             pitch,
                             block.tiles(),
                             &sums[share * size + p * rows * wide + from],
                             wide};
          if (tiling.width == lanes) accumulateTile<lanes>(tiling.count(t), call, offsets);
          else if constexpr (lanes > 4) accumulateTile<lanes / 2>(tiling.count(t), call, offsets);
        }
      }
    }
  });
  addShares(sums.data(), shares, size);
  filterGradients(sums.data(), wide, shape, dw);
}

}  // namespace annulus
