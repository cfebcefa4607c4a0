/**
 * Instance norm fused with leaky ReLU, over `[batch, voxels, channels]`:
 *
 *   y = act(d · gamma · rstd + beta),  d = x - mean,  act(u) = u > 0 ? u : slope · u
 *
 * Sums run in float32 inside a block and in float64 over blocks.
 */
#include "channel-runs.h"
#include "kernels.h"
#include "parallel.h"

namespace annulus {
namespace {

/** Mean and sum of squared deviations per channel of `count` rows, joined as Chan, Golub & LeVeque (1979) do. */
struct Moments {
  long count = 0;
  std::vector<double> mean, squares;

  explicit Moments(long channels) : mean(channels), squares(channels) {}

  void join(long added, const double* addedMean, const double* addedSquares) {
    const double share = static_cast<double>(added) / (count + added);
    const double weight = share * count;
    for (size_t c = 0; c < mean.size(); c++) {
      const double delta = addedMean[c] - mean[c];
      mean[c] += delta * share;
      squares[c] += addedSquares[c] + delta * delta * weight;
    }
    count += added;
  }
};

/** Tables of mean, gamma · rstd and beta over a period, for one sample. */
struct Affine {
  std::vector<float> mean, scale, shift;

  Affine(const ChannelRuns& runs, const float* stats, const float* gamma, const float* beta)
      : mean(runs.period), scale(runs.period), shift(runs.period) {
    std::vector<float> scales(runs.channels);
    for (long c = 0; c < runs.channels; c++) scales[c] = stats[runs.channels + c] * gamma[c];
    runs.expand(stats, mean.data());
    runs.expand(scales.data(), scale.data());
    runs.expand(beta, shift.data());
  }
};

std::vector<Affine> affineOfSamples(const ChannelRuns& runs, int batch, const float* stats,
                                    const float* gamma, const float* beta) {
  std::vector<Affine> samples;
  for (int b = 0; b < batch; b++) {
    samples.emplace_back(runs, stats + 2 * b * runs.channels, gamma, beta);
  }
  return samples;
}

/** Two passes over a block, the second from the cache: no cancellation however far the mean is from zero. */
Moments chunkMoments(const ChannelRuns& runs, const float* x, long chunk) {
  Moments whole(runs.channels);
  std::vector<float> sums(runs.period), centre(runs.period);
  std::vector<double> mean(runs.channels), squares(runs.channels);
  runs.eachBlock(chunk, [&](long row, long count) {
    const float* from = x + row * runs.channels;
    std::fill(sums.begin(), sums.end(), 0.0f);
    runs.eachColumn<4>(count, [&](long at, long f, long end, auto width, auto registers) {
      constexpr int n = width(), r = registers();
      Floats<n> s[r] = {};
      for (; f < end; f += runs.period) {
        for (int k = 0; k < r; k++) s[k] += load<n>(from + f + k * n);
      }
      for (int k = 0; k < r; k++) store<n>(&sums[at + k * n], s[k] + load<n>(&sums[at + k * n]));
    });
    std::fill(mean.begin(), mean.end(), 0.0);
    runs.fold(sums.data(), mean.data());
    for (double& value : mean) value /= count;
    runs.expand(mean.data(), centre.data());
    std::fill(sums.begin(), sums.end(), 0.0f);
    runs.eachColumn<4>(count, [&](long at, long f, long end, auto width, auto registers) {
      constexpr int n = width(), r = registers();
      Floats<n> s[r] = {}, m[r];
      for (int k = 0; k < r; k++) m[k] = load<n>(&centre[at + k * n]);
      for (; f < end; f += runs.period) {
        for (int k = 0; k < r; k++) {
          const Floats<n> d = load<n>(from + f + k * n) - m[k];
          s[k] += d * d;
        }
      }
      for (int k = 0; k < r; k++) store<n>(&sums[at + k * n], s[k] + load<n>(&sums[at + k * n]));
    });
    std::fill(squares.begin(), squares.end(), 0.0);
    runs.fold(sums.data(), squares.data());
    whole.join(count, mean.data(), squares.data());
  });
  return whole;
}

}  // namespace

/**
 * Mean and 1 / sqrt(variance + eps), biased.
 *
 * @param stats `[batch][2][channels]`: mean, rstd
 */
void instanceMoments(const float* x, float* stats, int batch, int voxels, int channels, float eps) {
  const ChannelRuns runs(voxels, channels);
  std::vector<Moments> parts(batch * runs.chunks, Moments(0));
  parallelFor(batch * runs.chunks, [&](long piece) {
    const float* sample = x + piece / runs.chunks * runs.rows * runs.channels;
    parts[piece] = chunkMoments(runs, sample, piece % runs.chunks);
  });
  for (int b = 0; b < batch; b++) {
    Moments whole(channels);
    for (int i = 0; i < runs.chunks; i++) {
      const Moments& part = parts[b * runs.chunks + i];
      whole.join(part.count, part.mean.data(), part.squares.data());
    }
    float* to = stats + 2L * b * channels;
    for (int c = 0; c < channels; c++) {
      to[c] = static_cast<float>(whole.mean[c]);
      to[channels + c] = static_cast<float>(1 / std::sqrt(whole.squares[c] / voxels + eps));
    }
  }
}

void instanceNorm(const float* x, const float* stats, const float* gamma, const float* beta,
                  float* y, int batch, int voxels, int channels, float slope) {
  const ChannelRuns runs(voxels, channels);
  const auto samples = affineOfSamples(runs, batch, stats, gamma, beta);
  parallelFor(batch * runs.chunks, [&](long piece) {
    const long b = piece / runs.chunks;
    const Affine& affine = samples[b];
    runs.eachBlock(piece % runs.chunks, [&](long row, long count) {
      const long offset = (b * runs.rows + row) * runs.channels;
      const float* from = x + offset;
      float* to = y + offset;
      runs.eachPeriod(count, [&](long at, long f, auto width) {
        constexpr int n = width();
        const Floats<n> d = load<n>(from + f) - load<n>(&affine.mean[at]);
        const Floats<n> u = d * load<n>(&affine.scale[at]) + load<n>(&affine.shift[at]);
        store<n>(to + f, u > 0.0f ? u : u * slope);
      });
    });
  });
}

/**
 * With g = dy · act'(u): dbeta = Σ g, dgamma = Σ g · d · rstd, both over the batch too, and
 * dx = gamma · rstd · (g - mean(g) - d · rstd² · mean(g · d)).
 */
void instanceNormGradient(const float* x, const float* dy, const float* stats, const float* gamma,
                          const float* beta, float* dx, float* dgamma, float* dbeta, int batch,
                          int voxels, int channels, float slope) {
  const ChannelRuns runs(voxels, channels);
  const auto samples = affineOfSamples(runs, batch, stats, gamma, beta);
  // Per chunk: Σ g of each channel, then Σ g · d.
  std::vector<double> parts(2L * channels * batch * runs.chunks);
  parallelFor(batch * runs.chunks, [&](long piece) {
    const long b = piece / runs.chunks;
    const Affine& affine = samples[b];
    double* part = &parts[2 * channels * piece];
    std::vector<float> sums(2 * runs.period);
    runs.eachBlock(piece % runs.chunks, [&](long row, long count) {
      const float* from = x + (b * runs.rows + row) * runs.channels;
      const float* upstream = dy + (b * runs.rows + row) * runs.channels;
      std::fill(sums.begin(), sums.end(), 0.0f);
      runs.eachColumn<2>(count, [&](long at, long f, long end, auto width, auto registers) {
        constexpr int n = width(), r = registers();
        Floats<n> mean[r], scale[r], shift[r], s[r] = {}, t[r] = {};
        for (int k = 0; k < r; k++) {
          mean[k] = load<n>(&affine.mean[at + k * n]);
          scale[k] = load<n>(&affine.scale[at + k * n]);
          shift[k] = load<n>(&affine.shift[at + k * n]);
        }
        for (; f < end; f += runs.period) {
          for (int k = 0; k < r; k++) {
            const Floats<n> d = load<n>(from + f + k * n) - mean[k];
            const Floats<n> u = load<n>(upstream + f + k * n);
            const Floats<n> g = d * scale[k] + shift[k] > 0.0f ? u : u * slope;
            s[k] += g;
            t[k] += g * d;
          }
        }
        for (int k = 0; k < r; k++) {
          float* to = &sums[at + k * n];
          store<n>(to, s[k] + load<n>(to));
          store<n>(to + runs.period, t[k] + load<n>(to + runs.period));
        }
      });
      runs.fold(sums.data(), part);
      runs.fold(sums.data() + runs.period, part + channels);
    });
  });

  // dx = g · scale + d · tilt + lift.
  std::vector<std::vector<float>> tilts(batch), lifts(batch);
  std::vector<double> gammaSums(channels), betaSums(channels);
  for (int b = 0; b < batch; b++) {
    std::vector<double> tilt(channels), lift(channels);
    for (int c = 0; c < channels; c++) {
      double sum = 0, product = 0;
      for (int i = 0; i < runs.chunks; i++) {
        const double* part = &parts[2L * channels * (b * runs.chunks + i)];
        sum += part[c];
        product += part[channels + c];
      }
      const double rstd = stats[(2L * b + 1) * channels + c];
      const double scale = samples[b].scale[c];
      tilt[c] = -scale * rstd * rstd * product / voxels;
      lift[c] = -scale * sum / voxels;
      gammaSums[c] += product * rstd;
      betaSums[c] += sum;
    }
    tilts[b].resize(runs.period);
    lifts[b].resize(runs.period);
    runs.expand(tilt.data(), tilts[b].data());
    runs.expand(lift.data(), lifts[b].data());
  }
  for (int c = 0; c < channels; c++) {
    dgamma[c] = static_cast<float>(gammaSums[c]);
    dbeta[c] = static_cast<float>(betaSums[c]);
  }

  parallelFor(batch * runs.chunks, [&](long piece) {
    const long b = piece / runs.chunks;
    const Affine& affine = samples[b];
    runs.eachBlock(piece % runs.chunks, [&](long row, long count) {
      const long offset = (b * runs.rows + row) * runs.channels;
      const float* from = x + offset;
      const float* upstream = dy + offset;
      float* to = dx + offset;
      const float* tilt = tilts[b].data();
      const float* lift = lifts[b].data();
      runs.eachPeriod(count, [&](long at, long f, auto width) {
        constexpr int n = width();
        const Floats<n> scale = load<n>(&affine.scale[at]);
        const Floats<n> d = load<n>(from + f) - load<n>(&affine.mean[at]);
        const Floats<n> u = load<n>(upstream + f);
        const Floats<n> g = d * scale + load<n>(&affine.shift[at]) > 0.0f ? u : u * slope;
        store<n>(to + f, g * scale + (d * load<n>(tilt + at) + load<n>(lift + at)));
      });
    });
  });
}

}  // namespace annulus
