/** Tiles of a block and back: the transforms of inputs, outputs and gradients, by vectors of channels. */
#include <algorithm>
#include <vector>

#include "winograd-lines.h"
#include "winograd.h"

namespace annulus {
namespace {

/** Bytes of a block's tiles, about: with the weights of a position they should stay in the second cache. */
constexpr long blockBytes = 320 * 1024;
/** Planes of a block at most: the two more that it reads are transformed twice. */
constexpr int blockPlanes = 16;
/** Tiles of a block at least: so often are the weights of a position used that pass by. */
constexpr long blockTiles = 48;
/** Blocks hold fewer tiles where there would be fewer blocks than this, so that many threads find work. */
constexpr long blocksWanted = 32;

/**
 * Calls `body(at, width)` for vectors that cover `count` ≥ 4 channels, the last one over some of those before it:
 * they are computed twice, and to the same bits.
 */
template <int n = lanes, class Body>
ANNULUS_INLINE void eachChannels(long count, Body body) {
  if constexpr (n > 4) {
    if (count < n) return eachChannels<n / 2>(count, body);
  }
  for (long at = 0; at + n < count; at += n) body(at, Width<n>{});
  body(count - n, Width<n>{});
}

/** Where a column's tiles are: the first voxel of their outputs. */
struct Corner {
  long sample;
  int y, x;

  Corner(const TileGrid& grid, long column)
      : sample(column / grid.across() / grid.down()),
        y(static_cast<int>(column / grid.across() % grid.down() * 4)),
        x(static_cast<int>(column % grid.across() * 4)) {}
};

std::vector<Corner> cornersOf(const TileGrid& grid, const TileBlock& block) {
  std::vector<Corner> corners;
  for (long c = 0; c < block.columns; c++) corners.emplace_back(grid, block.column + c);
  return corners;
}

/** The voxels under a tile of `side` × `side`, in the tensor itself or in a copy with zeros outside of the grid. */
class Voxels {
 public:
  Voxels(const TileGrid& grid, const float* from, int channels, int side)
      : grid_(grid), from_(from), channels_(channels), side_(side), copy_(side * side * channels) {}

  const float* at;
  long rowStep;

  void find(const Corner& corner, int plane) {
    const int rim = (side_ - 4) / 2;
    const int y0 = corner.y - rim, x0 = corner.x - rim;
    const long row = static_cast<long>(grid_.width) * channels_;
    const float* first = from_ + (corner.sample * grid_.depth + plane) * grid_.height * row;
    if (y0 >= 0 && x0 >= 0 && y0 + side_ <= grid_.height && x0 + side_ <= grid_.width) {
      at = first + y0 * row + static_cast<long>(x0) * channels_;
      rowStep = row;
      return;
    }
    at = copy_.data();
    rowStep = static_cast<long>(side_) * channels_;
    const int left = std::max(0, -x0), right = std::min(side_, grid_.width - x0);
    for (int y = 0; y < side_; y++) {
      float* to = copy_.data() + y * rowStep;
      if (y0 + y < 0 || y0 + y >= grid_.height) {
        std::fill_n(to, rowStep, 0.0f);
        continue;
      }
      std::fill_n(to, left * channels_, 0.0f);
      std::copy_n(first + (y0 + y) * row + static_cast<long>(x0 + left) * channels_,
                  (right - left) * channels_, to + left * channels_);
      std::fill_n(to + right * channels_, (side_ - right) * channels_, 0.0f);
    }
  }

 private:
  const TileGrid& grid_;
  const float* from_;
  long channels_;
  int side_;
  std::vector<float> copy_;
};

/** One tile of `n` channels: `side` × `side` voxels to 36 positions. */
template <int n, int side, class Transform>
ANNULUS_INLINE void spread(const float* from, long rowStep, long voxel, float* to, long step,
                           Transform line) {
  bothAxes<n, side, 6>([&](int y, int x) { return load<n>(from + y * rowStep + x * voxel); }, line,
                       [&](int y, int x, Floats<n> value) {
                         store<n>(to + (y * 6 + x) * step, value);
                       });
}

/** One tile of `n` channels: 36 positions to the `rows` × `places` voxels that lie in the grid. */
template <int n>
ANNULUS_INLINE void gather(const float* from, long step, Floats<n> base, float* to, long rowStep,
                           long voxel, int rows, int places) {
  bothAxes<n, 6, 4>([&](int y, int x) { return load<n>(from + (y * 6 + x) * step); },
                    [](auto& m, auto& y) { outputLine<n>(m, y); },
                    [&](int y, int x, Floats<n> value) {
                      if (y >= rows || x >= places) return;
                      store<n>(to + y * rowStep + x * voxel, value + base);
                    });
}

}  // namespace

TileBlocks::TileBlocks(const TileGrid& grid, int inputs, int outputs) : grid(grid) {
  const int layers = (grid.depth + blockPlanes - 1) / blockPlanes;
  planes = (grid.depth + layers - 1) / layers;
  const long tileBytes = 4L * tilePositions * (inputs + outputs);
  const long tiles =
      std::max(blockTiles, std::min(blockBytes / tileBytes, grid.tiles() / blocksWanted));
  columns = std::clamp((tiles + planes / 2) / planes, 1L, grid.columns());
}

TileBlock TileBlocks::at(long block) const {
  const long column = block / perColumn() * columns;
  const int plane = static_cast<int>(block % perColumn()) * planes;
  return {column, std::min(columns, grid.columns() - column), plane,
          std::min(planes, grid.depth - plane)};
}

float* blockScratch(long count) {
  static thread_local AlignedFloats kept(0);
  if (kept.count() < count) kept = AlignedFloats(count);
  return kept.get();
}

void inputTiles(const TileGrid& grid, const TileBlock& block, const float* x, int channels,
                float* v, long step) {
  Voxels voxels(grid, x, channels, 6);
  const std::vector<Corner> corners = cornersOf(grid, block);
  for (int k = 0; k < block.planes + 2; k++) {
    const int plane = block.plane + k - 1;
    float* to = v + k * block.columns * channels;
    if (plane < 0 || plane >= grid.depth) {
      for (int p = 0; p < tilePositions; p++) {
        std::fill_n(to + p * step, block.columns * channels, 0.0f);
      }
      continue;
    }
    for (const Corner& corner : corners) {
      voxels.find(corner, plane);
      eachChannels(channels, [&](long at, auto width) {
        constexpr int n = width();
        spread<n, 6>(voxels.at + at, voxels.rowStep, channels, to + at, step,
                     [](auto& d, auto& v) { inputLine<n>(d, v); });
      });
      to += channels;
    }
  }
}

void gradientTiles(const TileGrid& grid, const TileBlock& block, const float* dy, int outputs,
                   int first, int channels, float* m, long step, long pitch) {
  Voxels voxels(grid, dy, outputs, 4);
  const std::vector<Corner> corners = cornersOf(grid, block);
  for (int k = 0; k < block.planes; k++) {
    for (const Corner& corner : corners) {
      voxels.find(corner, block.plane + k);
      eachChannels(channels, [&](long at, auto width) {
        constexpr int n = width();
        spread<n, 4>(voxels.at + first + at, voxels.rowStep, outputs, m + at, step,
                     [](auto& y, auto& m) { gradientLine<n>(y, m); });
      });
      m += pitch;
    }
  }
}

void outputTiles(const TileGrid& grid, const TileBlock& block, const float* m, long step,
                 long pitch, const float* bias, int channels, float* y) {
  const long row = static_cast<long>(grid.width) * channels;
  const std::vector<Corner> corners = cornersOf(grid, block);
  for (int k = 0; k < block.planes; k++) {
    for (const Corner& corner : corners) {
      const int rows = std::min(4, grid.height - corner.y);
      const int places = std::min(4, grid.width - corner.x);
      float* to = y +
                  ((corner.sample * grid.depth + block.plane + k) * grid.height + corner.y) * row +
                  static_cast<long>(corner.x) * channels;
      eachChannels(channels, [&](long at, auto width) {
        constexpr int n = width();
        const Floats<n> base = bias == nullptr ? Floats<n>{} : load<n>(bias + at);
        gather<n>(m + at, step, base, to + at, row, channels, rows, places);
      });
      m += pitch;
    }
  }
}

}  // namespace annulus
