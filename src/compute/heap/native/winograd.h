/**
 * conv3d 3×3×3, stride 1, by Winograd's minimal filtering F(4×4, 3×3) over y and x (Lavin & Gray 2016), as
 * `wasm/assembly/winograd.ts` has it: per tile of 4 × 4 outputs and each of the 36 positions p of a 6 × 6 tile
 *
 *   Y = Aᵀ [ Σ kz, i  V[p][z + kz][i] · U[p][kz][i][o] ] A,  V = Bᵀ d B,  U = G w Gᵀ
 *
 * with the input's tile d, and for the filter's gradient dw = Gᵀ [ Σ z  V[p][z + kz][i] · (A dY Aᵀ)[p][z][o] ] G.
 *
 * A column is the tiles of all planes at one place in y and x. A block is some columns × some planes, as many as the
 * second cache holds. In it V is `[36][planes + 2][columns][inputs]`: its tiles, numbered plane by plane, lie side by
 * side, and what a tap along z meets is the same run of tiles, that many planes further on.
 */
#pragma once

#include <memory>
#include <new>

#include "kernels.h"

namespace annulus {

/** Positions of a tile. */
constexpr int tilePositions = 36;

/** The forward product or, with the taps turned and the channels' sides changed, the input gradient. */
void winogradForward(const ConvShape& shape, const float* x, const float* w, const float* bias,
                     float* y);
void winogradInputGradient(const ConvShape& shape, const float* dy, const float* w,
                           const float* bias, float* dx);
void winogradFilterGradient(const ConvShape& shape, const float* x, const float* dy, float* dw);

/** `[batch, depth, height, width]` in tiles. */
struct TileGrid {
  int batch, depth, height, width;

  explicit TileGrid(const ConvShape& shape)
      : batch(shape.batch), depth(shape.input[0]), height(shape.input[1]), width(shape.input[2]) {}
  long across() const { return (width + 3) / 4; }
  long down() const { return (height + 3) / 4; }
  long columns() const { return batch * down() * across(); }
  long tiles() const { return columns() * depth; }
};

/** The tiles of `columns` columns from `column` on, in `planes` planes from `plane` on. */
struct TileBlock {
  long column, columns;
  int plane, planes;

  long tiles() const { return columns * planes; }
};

/** A grid cut into blocks, by sizes alone. */
struct TileBlocks {
  TileGrid grid;
  /** Of a whole block. */
  long columns;
  int planes;

  TileBlocks(const TileGrid& grid, int inputs, int outputs);
  long perColumn() const { return (grid.depth + planes - 1) / planes; }
  long count() const { return (grid.columns() + columns - 1) / columns * perColumn(); }
  TileBlock at(long block) const;
  /** Floats from one position of V, and of products of so many outputs, to the next. */
  long inputStep(int inputs) const { return apart((planes + 2) * columns * inputs); }
  long outputStep(int outputs) const { return apart(planes * columns * outputs); }

 private:
  /** An odd number of cache lines, so that the positions of a tile fall into different sets. */
  static long apart(long floats) { return ((floats + 15) / 16 | 1) * 16; }
};

/** V of a block of `x`, `[b, d, h, w, channels]`, positions `step` floats apart. Here and below: 4 channels or more. */
void inputTiles(const TileGrid& grid, const TileBlock& block, const float* x, int channels,
                float* v, long step);
/** `A dY Aᵀ` of a block, `[36][planes][columns][pitch]`, for `channels` of the `outputs` of `dy`, from `first` on. */
void gradientTiles(const TileGrid& grid, const TileBlock& block, const float* dy, int outputs,
                   int first, int channels, float* m, long step, long pitch);
/** The outputs of a block of products `[36][planes][columns][pitch]`; `bias` may be null. */
void outputTiles(const TileGrid& grid, const TileBlock& block, const float* m, long step,
                 long pitch, const float* bias, int channels, float* y);

/** Floats on a cache line's border. */
class AlignedFloats {
 public:
  explicit AlignedFloats(long count)
      : count_(count), floats_(static_cast<float*>(::operator new(count * sizeof(float), line))) {}
  long count() const { return count_; }
  float* get() const { return floats_.get(); }

 private:
  static constexpr std::align_val_t line{64};
  struct Free {
    void operator()(float* floats) const { ::operator delete(floats, line); }
  };
  long count_;
  std::unique_ptr<float, Free> floats_;
};

/**
 * Room for a block, of which each thread keeps one: fresh pages for every block cost a tenth of the time. About 0.4 MB;
 * from 24 channels on both sides some 8 KB for each input and each output; more where planes are few.
 */
float* blockScratch(long count);

}  // namespace annulus
