/** Moving values between layouts, and sums over rows. */
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels.h"
#include "parallel.h"

namespace annulus {
namespace {

/** Bytes that one piece of work moves, and rows that it sums in float32. */
constexpr long pieceBytes = 1 << 17;
constexpr long sumRows = 256;
/** Pieces of a sum at most, so that their parts stay small. */
constexpr long piecesMax = 256;

}  // namespace

void copyRows(const char* from, int fromStep, char* to, int toStep, int bytes, int rows) {
  const long share = std::max(1L, pieceBytes / bytes);
  parallelFor((rows + share - 1) / share, [&](long piece) {
    const long end = std::min<long>(rows, (piece + 1) * share);
    for (long row = piece * share; row < end; row++) {
      std::memcpy(to + row * toStep, from + row * fromStep, bytes);
    }
  });
}

/** `[rows, channels]` → sums over the rows: in float32 over blocks, in float64 over those. */
void columnSums(const float* x, float* sums, int rows, int channels) {
  const long blocks = (rows + sumRows - 1) / sumRows;
  const long pieces = std::min(blocks, piecesMax);
  std::vector<double> parts(pieces * channels);
  parallelFor(pieces, [&](long piece) {
    double* part = &parts[piece * channels];
    std::vector<float> block(channels);
    for (long k = blocks * piece / pieces; k < blocks * (piece + 1) / pieces; k++) {
      std::fill(block.begin(), block.end(), 0.0f);
      const long end = std::min<long>(rows, (k + 1) * sumRows);
      for (long row = k * sumRows; row < end; row++) {
        const float* values = x + row * channels;
        for (int c = 0; c < channels; c++) block[c] += values[c];
      }
      for (int c = 0; c < channels; c++) part[c] += block[c];
    }
  });
  for (int c = 0; c < channels; c++) {
    double sum = 0;
    for (long piece = 0; piece < pieces; piece++) sum += parts[piece * channels + c];
    sums[c] = static_cast<float>(sum);
  }
}

}  // namespace annulus
