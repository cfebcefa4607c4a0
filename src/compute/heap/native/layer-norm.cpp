/**
 * Layer norm over `[rows, channels]`: `(x - mean) · rstd · gamma + beta` per row. Vectors are as wide as divides the
 * channels, so that no row has a tail: full registers for the widths that networks have, single floats for odd ones.
 */
#include <algorithm>
#include <vector>

#include "kernels.h"
#include "parallel.h"
#include "vectors.h"

namespace annulus {
namespace {

/** Floats of one piece of work, and rows whose sums are added up in float32. */
constexpr long pieceFloats = 16384;
constexpr long sumRows = 256;

/** Calls `body(width)` with the widest vector that divides `channels`. */
template <int n = lanes, class Body>
void withWidth(int channels, Body body) {
  if constexpr (n > 1) {
    if (channels % n != 0) return withWidth<n / 2>(channels, body);
  }
  body(Width<n>{});
}

/** Rows dealt out in pieces that depend on the sizes alone. */
struct Pieces {
  long rows, step, count;

  Pieces(int rows, int channels)
      : rows(rows), step(std::max(1L, pieceFloats / channels)), count((rows + step - 1) / step) {}

  long begin(long piece) const { return piece * step; }
  long end(long piece) const { return std::min(rows, (piece + 1) * step); }
};

}  // namespace

/** @param stats `[rows][2]`: mean, rstd */
void layerNorm(const float* x, const float* gamma, const float* beta, float* y, float* stats,
               int rows, int channels, float eps) {
  const Pieces pieces(rows, channels);
  const float share = 1.0f / channels;
  withWidth(channels, [&](auto width) {
    constexpr int n = width();
    parallelFor(pieces.count, [&](long piece) {
      for (long row = pieces.begin(piece); row < pieces.end(piece); row++) {
        const float* from = x + row * channels;
        float* to = y + row * channels;
        Floats<n> sum = {};
        for (int c = 0; c < channels; c += n) sum += load<n>(from + c);
        const float mean = sumOf<n>(sum) * share;
        Floats<n> squares = {};
        for (int c = 0; c < channels; c += n) {
          const Floats<n> d = load<n>(from + c) - mean;
          squares += d * d;
        }
        const float rstd = 1.0f / __builtin_sqrtf(sumOf<n>(squares) * share + eps);
        for (int c = 0; c < channels; c += n) {
          const Floats<n> unit = (load<n>(from + c) - mean) * rstd;
          store<n>(to + c, unit * load<n>(gamma + c) + load<n>(beta + c));
        }
        stats[2 * row] = mean;
        stats[2 * row + 1] = rstd;
      }
    });
  });
}

/**
 * With u = dy·gamma and x̂ the normalised row: dx = rstd · (u - mean(u) - x̂·mean(u·x̂)), dgamma = Σ dy·x̂,
 * dbeta = Σ dy. Sums run in float32 over `sumRows` rows and in float64 over those.
 */
void layerNormGradient(const float* x, const float* dy, const float* stats, const float* gamma,
                       float* dx, float* dgamma, float* dbeta, int rows, int channels) {
  const Pieces pieces(rows, channels);
  const float share = 1.0f / channels;
  // Per piece: dgamma of each channel, then dbeta.
  std::vector<double> parts(2L * channels * pieces.count);
  withWidth(channels, [&](auto width) {
    constexpr int n = width();
    parallelFor(pieces.count, [&](long piece) {
      double* part = &parts[2L * channels * piece];
      std::vector<float> sums(2 * channels);
      float* gammaSums = sums.data();
      float* betaSums = gammaSums + channels;
      const long end = pieces.end(piece);
      for (long row = pieces.begin(piece); row < end; row++) {
        const float* from = x + row * channels;
        const float* upstream = dy + row * channels;
        float* to = dx + row * channels;
        const float mean = stats[2 * row];
        const float rstd = stats[2 * row + 1];
        Floats<n> sum = {}, tilt = {};
        for (int c = 0; c < channels; c += n) {
          const Floats<n> unit = (load<n>(from + c) - mean) * rstd;
          const Floats<n> g = load<n>(upstream + c);
          const Floats<n> u = g * load<n>(gamma + c);
          sum += u;
          tilt += u * unit;
          store<n>(gammaSums + c, load<n>(gammaSums + c) + g * unit);
          store<n>(betaSums + c, load<n>(betaSums + c) + g);
        }
        const float a = sumOf<n>(sum) * share;
        const float b = sumOf<n>(tilt) * share;
        for (int c = 0; c < channels; c += n) {
          const Floats<n> unit = (load<n>(from + c) - mean) * rstd;
          const Floats<n> u = load<n>(upstream + c) * load<n>(gamma + c);
          store<n>(to + c, (u - a - unit * b) * rstd);
        }
        if ((row + 1) % sumRows == 0 || row + 1 == end) {
          for (int c = 0; c < 2 * channels; c++) {
            part[c] += sums[c];
            sums[c] = 0;
          }
        }
      }
    });
  });
  for (int c = 0; c < channels; c++) {
    double gammaSum = 0, betaSum = 0;
    for (long piece = 0; piece < pieces.count; piece++) {
      gammaSum += parts[2L * channels * piece + c];
      betaSum += parts[2L * channels * piece + channels + c];
    }
    dgamma[c] = static_cast<float>(gammaSum);
    dbeta[c] = static_cast<float>(betaSum);
  }
}

}  // namespace annulus
