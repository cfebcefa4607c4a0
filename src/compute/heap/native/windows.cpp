/** Voxels of a grid in attention windows, and the table of relative positions as a bias. */
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace annulus {
namespace {

/** Entries of one piece of work. */
constexpr long pieceEntries = 8192;

int roundUp(int value, int step) { return (value + step - 1) / step * step; }

}  // namespace

/** Copies voxels between a grid and its windows: pad with zeros, roll by -shift, cut. `reverse` copies back. */
void windows(const WindowsCall& call) {
  const auto [depth, height, width] = call.size;
  const auto [wz, wy, wx] = call.window;
  const auto [sz, sy, sx] = call.shift;
  const int pz = roundUp(depth, wz), py = roundUp(height, wy), px = roundUp(width, wx);
  const long voxel = call.channels;
  const long tokens = static_cast<long>(wz) * wy * wx;
  const int countY = py / wy, countX = px / wx;
  // One piece is a row of windows along x.
  parallelFor(static_cast<long>(call.batch) * (pz / wz) * countY, [&](long piece) {
    const int y0 = piece % countY * wy;
    const int z0 = piece / countY % (pz / wz) * wz;
    const long sample = piece / countY / (pz / wz);
    float* window = call.windows + piece * countX * tokens * voxel;
    for (int x0 = 0; x0 < px; x0 += wx) {
      for (int z = z0; z < z0 + wz; z++) {
        const int gz = (z + sz) % pz;
        for (int y = y0; y < y0 + wy; y++) {
          const int gy = (y + sy) % py;
          const bool inside = gz < depth && gy < height;
          float* row = call.grid + ((sample * depth + gz) * height + gy) * width * voxel;
          // Runs of voxels that lie side by side in the grid: up to its padding, or up to where it wraps.
          for (int x = x0; x < x0 + wx;) {
            const int gx = (x + sx) % px;
            const bool valid = inside && gx < width;
            const int run = std::min(x0 + wx - x, (gx < width ? width : px) - gx);
            const size_t bytes = run * voxel * sizeof(float);
            if (valid && call.reverse) std::memcpy(row + gx * voxel, window, bytes);
            else if (valid) std::memcpy(window, row + gx * voxel, bytes);
            else if (!call.reverse) std::memset(window, 0, bytes);
            window += run * voxel;
            x += run;
          }
        }
      }
    }
  });
}

/**
 * `[b, d, h, w, c]` ↔ `[b, d/2, h/2, w/2, 8·c]`, all sides even. `reverse` copies back. The offsets of corner i of a
 * block along z, y and x are bits i of three numbers: 000, 100, 010, 001, 110, 101, 011, 111.
 */
void mergePatches(float* grid, float* merged, bool reverse, int batch, int depth, int height,
                  int width, int channels) {
  const long row = static_cast<long>(width) * channels;
  // One piece is a row of blocks. The depth is even, so that planes pair up across samples too.
  parallelFor(static_cast<long>(batch) * (depth / 2) * (height / 2), [&](long piece) {
    const long z = piece / (height / 2) * 2, y = piece % (height / 2) * 2;
    float* place = merged + piece * 4 * row;
    for (long x = 0; x < width; x += 2) {
      for (int i = 0; i < 8; i++, place += channels) {
        const long line = (z + (0xb2 >> i & 1)) * height + y + (0xd4 >> i & 1);
        float* corner = grid + line * row + (x + (0xe8 >> i & 1)) * channels;
        if (reverse) std::copy_n(place, channels, corner);
        else std::copy_n(corner, channels, place);
      }
    }
  });
}

/** `[rows, heads]` and int32 indices → `[heads, count]`; an index past the rows reads 0. */
void gatherBias(const float* table, const int32_t* index, float* out, int rows, int heads,
                int count) {
  parallelFor((count + pieceEntries - 1) / pieceEntries, [&](long piece) {
    const long end = std::min<long>(count, (piece + 1) * pieceEntries);
    for (int h = 0; h < heads; h++) {
      for (long i = piece * pieceEntries; i < end; i++) {
        const uint32_t row = index[i];
        const bool known = row < static_cast<uint32_t>(rows);
        out[static_cast<long>(h) * count + i] = known ? table[static_cast<long>(row) * heads + h] : 0;
      }
    }
  });
}

/** `dtable[index[i]][h] = Σ dout[h][i]`, in the order of i. */
void gatherBiasGradient(const float* dout, const int32_t* index, float* dtable, int rows, int heads,
                        int count) {
  parallelFor(heads, [&](long h) {
    std::vector<float> column(rows);
    for (int i = 0; i < count; i++) {
      const uint32_t row = index[i];
      if (row < static_cast<uint32_t>(rows)) column[row] += dout[h * count + i];
    }
    for (int row = 0; row < rows; row++) dtable[static_cast<long>(row) * heads + h] = column[row];
  });
}

}  // namespace annulus
