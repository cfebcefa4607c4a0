/**
 * The forward product of tiles and, with the taps turned and the channels' sides changed, the input gradient. Each
 * output is one sum in one order, so no division of the work changes a bit.
 *
 * Scratch: the weights' 36 positions, four bytes × 108 × inputs × outputs (in whole vectors), and `blockScratch`.
 */
#include <algorithm>

#include "conv-tiling.h"
#include "parallel.h"
#include "winograd-lines.h"
#include "winograd.h"

namespace annulus {
namespace {

/** Lanes for the weights' transform, of which every register tile has a multiple. */
constexpr int n = 4;
/** Weights `[O, I, 3, 3, 3]`, and which of their axes are inputs and outputs of this product. */
struct Weights {
  /** Of the first tap. */
  const float* first;
  int inputs, outputs;
  /** 1, or -1 for taps turned round. */
  long inputStep, outputStep, tapStep;
};

/** U: per position and register tile of outputs `[kz][input][outputs of the tile]`, zeros past the last output. */
void filterTiles(const Weights& weights, const Tiling& tiling, float* u, long step) {
  parallelFor(3L * weights.inputs, [&](long row) {
    const long kz = row / weights.inputs, i = row % weights.inputs;
    const float* from = weights.first + i * weights.inputStep + 9 * kz * weights.tapStep;
    for (int t = 0; t < tiling.tiles(); t++) {
      const int first = tiling.first(t) * tiling.width, wide = tiling.count(t) * tiling.width;
      for (int o = 0; o < wide; o += n) {
        Floats<n> tile[3][3] = {};
        for (int k = 0; k < std::min(n, tiling.outputs - first - o); k++) {
          const float* at = from + (first + o + k) * weights.outputStep;
          for (int tap = 0; tap < 9; tap++) tile[tap / 3][tap % 3][k] = at[tap * weights.tapStep];
        }
        float* to = u + 3L * weights.inputs * first + row * wide + o;
        bothAxes<n, 3, 6>([&](int y, int x) { return tile[y][x]; },
                          [](auto& g, auto& u) { filterLine<n>(g, u); },
                          [&](int y, int x, Floats<n> value) {
                            store<n>(to + (y * 6 + x) * step, value);
                          });
      }
    }
  });
}

/** The tiles of one position: `m[q][o] = Σ kz, i  v[q + kz · columns][i] · u[kz][i][o]`. */
struct Product {
  const float* v;
  long inputs;
  /** Floats from a tile to the one in the next plane. */
  long planeStep;
  const float* u;
  float* m;
  /** Floats from one tile's products to the next. */
  long pitch;
};

template <int width, int tiles, int vectors>
void multiply(const Product& product, long q) {
  Floats<width> sums[tiles][vectors] = {};
  const float* u = product.u;
  for (int kz = 0; kz < 3; kz++) {
    const float* in[tiles];
#pragma GCC unroll 8
    for (int i = 0; i < tiles; i++) {
      in[i] = product.v + (q + i) * product.inputs + kz * product.planeStep;
    }
    for (long r = 0; r < product.inputs; r++, u += width * vectors) {
      Floats<width> weight[vectors];
#pragma GCC unroll 8
      for (int v = 0; v < vectors; v++) weight[v] = load<width>(u + v * width);
#pragma GCC unroll 8
      for (int i = 0; i < tiles; i++) {
        const float value = in[i][r];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) sums[i][v] += weight[v] * value;
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < tiles; i++) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
      store<width>(product.m + (q + i) * product.pitch + v * width, sums[i][v]);
    }
  }
}

/** All tiles from number `q` on, as many at once as fit, then halves of that. */
template <int width, int vectors, int tiles = tileHeight<vectors>()>
void multiplyAll(const Product& product, long q, long end) {
  for (; q + tiles <= end; q += tiles) multiply<width, tiles, vectors>(product, q);
  if constexpr (tiles > 1) multiplyAll<width, vectors, tiles / 2>(product, q, end);
}

template <int width>
void multiplyBlock(int vectors, const Product& product, long count) {
  if (vectors == 1) multiplyAll<width, 1>(product, 0, count);
  else if (vectors == 2) multiplyAll<width, 2>(product, 0, count);
  else multiplyAll<width, 3>(product, 0, count);
}

void product(const TileGrid& grid, const Weights& weights, const float* x, const float* bias,
             float* y) {
  const Tiling tiling(weights.outputs);
  const int inputs = weights.inputs, wide = tiling.vectors * tiling.width;
  const long uStep = 3L * inputs * wide;
  const AlignedFloats u(tilePositions * uStep);
  filterTiles(weights, tiling, u.get(), uStep);
  const TileBlocks blocks(grid, inputs, wide);
  const long vStep = blocks.inputStep(inputs), mStep = blocks.outputStep(wide);
  parallelFor(blocks.count(), [&](long piece) {
    const TileBlock block = blocks.at(piece);
    float* const v = blockScratch(tilePositions * (vStep + mStep));
    float* const m = v + tilePositions * vStep;
    inputTiles(grid, block, x, inputs, v, vStep);
    for (int p = 0; p < tilePositions; p++) {
      for (int t = 0; t < tiling.tiles(); t++) {
        const long first = tiling.first(t) * tiling.width;
        const Product call{v + p * vStep, inputs, block.columns * inputs,
                           u.get() + p * uStep + 3 * inputs * first, m + p * mStep + first, wide};
        if (tiling.width == lanes) multiplyBlock<lanes>(tiling.count(t), call, block.tiles());
        else if constexpr (lanes > 4) {
          multiplyBlock<lanes / 2>(tiling.count(t), call, block.tiles());
        }
      }
    }
    outputTiles(grid, block, m, mStep, wide, bias, weights.outputs, y);
  });
}

}  // namespace

void winogradForward(const ConvShape& shape, const float* x, const float* w, const float* bias,
                     float* y) {
  const Weights weights{w, shape.inputs, shape.outputs, 27, 27L * shape.inputs, 1};
  product(TileGrid(shape), weights, x, bias, y);
}

void winogradInputGradient(const ConvShape& shape, const float* dy, const float* w,
                           const float* bias, float* dx) {
  const Weights weights{w + 26, shape.outputs, shape.inputs, 27L * shape.inputs, 27, -1};
  product(TileGrid(shape), weights, dy, bias, dx);
}

}  // namespace annulus
