/**
 * Multi-head attention inside windows, with its gradient. Per window and head, with keys in the lanes:
 *
 *   s[i] = (q[i]·scale) · Kᵀ + bias[i] - 100·[region[i] ≠ region],  p = softmax(s),  o[i] = p · V
 *
 * The n × n probabilities are not kept: the gradient makes them again from the saved logarithm of each row's
 * sum (Dao et al. 2022). K and V are transposed into `[depth][keys]`, both rounded up with zeros, and four rows of
 * queries go through them together.
 */
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels.h"
#include "parallel.h"
#include "vectors.h"

namespace annulus {
namespace {

constexpr int rowsMax = 4;
/** Depths whose sums are in registers at once. */
constexpr int depthStep = 2;
/** Added to the logit of two tokens of different regions. */
constexpr float apart = -100;
/** Pieces of work of the gradient, about: each holds its own sum of the bias's gradient. */
constexpr int gradientPieces = 32;

long roundUp(long value, long step) { return (value + step - 1) / step * step; }

struct Sizes {
  long n, keys, depth, depths, channels;

  explicit Sizes(const AttentionCall& call)
      : n(call.tokens),
        keys(roundUp(n, 2 * lanes)),
        depth(call.depth),
        depths(roundUp(depth, depthStep)),
        channels(call.heads * depth) {}

  /** Floats before the values of a head in a window, in rows of `width` channels. */
  long offset(long window, long head, long width) const { return window * n * width + head * depth; }
};

/** The bias with rows as long as the keys; what is past the end of a row is never chosen. */
std::vector<float> paddedBias(const AttentionCall& call, const Sizes& sizes) {
  const long rows = call.heads * sizes.n;
  std::vector<float> padded(rows * sizes.keys, -std::numeric_limits<float>::infinity());
  for (long row = 0; row < rows; row++) {
    std::copy_n(call.bias + row * sizes.n, sizes.n, &padded[row * sizes.keys]);
  }
  return padded;
}

/** What one thread works in for one window and head. */
struct Work {
  const Sizes& sizes;
  std::vector<float> kt, vt, dkt, dvt, first, second, q, go;
  /** Of the window's tokens, as many as the keys. */
  std::vector<int32_t> regions;

  Work(const Sizes& sizes, bool gradient)
      : sizes(sizes),
        kt(sizes.depths * sizes.keys),
        vt(kt.size()),
        dkt(gradient ? kt.size() : 0),
        dvt(dkt.size()),
        first(rowsMax * sizes.keys),
        second(gradient ? first.size() : 0),
        q(rowsMax * sizes.depths),
        go(q.size()),
        regions(sizes.keys) {}

  void takeRegions(const AttentionCall& call, long window) {
    if (call.regions == nullptr) return;
    std::copy_n(call.regions + window % call.groups * sizes.n, sizes.n, regions.begin());
  }

  /** `[n][depth]` rows → `[depth][keys]`; what is beyond stays zero. */
  void transposeIn(const float* from, std::vector<float>& to) const {
    for (long d = 0; d < sizes.depth; d++) {
      for (long j = 0; j < sizes.n; j++) to[d * sizes.keys + j] = from[j * 3 * sizes.channels + d];
    }
  }

  void transposeOut(const std::vector<float>& from, float* to) const {
    for (long j = 0; j < sizes.n; j++) {
      for (long d = 0; d < sizes.depth; d++) {
        to[j * 3 * sizes.channels + d] = from[d * sizes.keys + j];
      }
    }
  }

  /** `rows` rows of a head, `step` floats apart, times `factor`. */
  void gather(const float* from, long step, int rows, float factor, std::vector<float>& to) const {
    for (int t = 0; t < rows; t++) {
      for (long d = 0; d < sizes.depth; d++) to[t * sizes.depths + d] = from[t * step + d] * factor;
    }
  }
};

/** `out[t][j] = Σ d a[t][d] · table[d][j]`, with what `start(t, j)` gives for the beginning. */
template <int rows, class Start>
ANNULUS_INLINE void products(const Sizes& sizes, const std::vector<float>& a,
                             const std::vector<float>& table, float* out, Start start) {
  constexpr int n = lanes;
  const long keys = sizes.keys, depths = sizes.depths;
  for (long j = 0; j < keys; j += 2 * n) {
    Floats<n> s[rows][2];
    for (int t = 0; t < rows; t++) {
      s[t][0] = start(t, j);
      s[t][1] = start(t, j + n);
    }
    for (long d = 0; d < depths; d++) {
      const Floats<n> left = load<n>(&table[d * keys + j]);
      const Floats<n> right = load<n>(&table[d * keys + j + n]);
      for (int t = 0; t < rows; t++) {
        const float by = a[t * depths + d];
        s[t][0] += left * by;
        s[t][1] += right * by;
      }
    }
    for (int t = 0; t < rows; t++) {
      store<n>(out + t * keys + j, s[t][0]);
      store<n>(out + t * keys + j + n, s[t][1]);
    }
  }
}

/** Rows `query …` of `q · Kᵀ + bias`, lowered where the regions differ if there are some. */
template <int rows>
ANNULUS_INLINE void logits(Work& work, long query, const float* bias, bool hasRegions) {
  const Sizes& sizes = work.sizes;
  const float* biases = bias + query * sizes.keys;
  if (!hasRegions) {
    products<rows>(sizes, work.q, work.kt, work.first.data(),
                   [=](int t, long j) { return load<lanes>(biases + t * sizes.keys + j); });
    return;
  }
  const int32_t* regions = work.regions.data();
  products<rows>(sizes, work.q, work.kt, work.first.data(), [=](int t, long j) {
    const Ints<lanes> differ = load<lanes>(regions + j) != regions[query + t];
    const Floats<lanes> none = {};
    return load<lanes>(biases + t * sizes.keys + j) + (differ ? none + apart : none);
  });
}

/** `to[t][d] = factor[t] · Σ j values[t][j] · table[d][j]`. */
template <int rows>
ANNULUS_INLINE void combine(const Sizes& sizes, const std::vector<float>& values,
                            const std::vector<float>& table, const float* factor, float* to,
                            long step) {
  constexpr int n = lanes;
  const long keys = sizes.keys;
  for (long d = 0; d < sizes.depth; d += depthStep) {
    Floats<n> s[rows][depthStep] = {};
    for (long j = 0; j < keys; j += n) {
      for (int k = 0; k < depthStep; k++) {
        const Floats<n> column = load<n>(&table[(d + k) * keys + j]);
        for (int t = 0; t < rows; t++) s[t][k] += load<n>(&values[t * keys + j]) * column;
      }
    }
    for (int k = 0; k < depthStep && d + k < sizes.depth; k++) {
      for (int t = 0; t < rows; t++) to[t * step + d + k] = factor[t] * sumOf<n>(s[t][k]);
    }
  }
}

/** `table[d][j] += Σ t values[t][j] · a[t][d]`. */
template <int rows>
ANNULUS_INLINE void spread(const Sizes& sizes, const std::vector<float>& values,
                           const std::vector<float>& a, std::vector<float>& table) {
  constexpr int n = lanes;
  const long keys = sizes.keys;
  for (long d = 0; d < sizes.depths; d += depthStep) {
    float by[rows][depthStep];
    for (int t = 0; t < rows; t++) {
      for (int k = 0; k < depthStep; k++) by[t][k] = a[t * sizes.depths + d + k];
    }
    for (long j = 0; j < keys; j += n) {
      Floats<n> s[depthStep];
      for (int k = 0; k < depthStep; k++) s[k] = load<n>(&table[(d + k) * keys + j]);
      for (int t = 0; t < rows; t++) {
        const Floats<n> value = load<n>(&values[t * keys + j]);
        for (int k = 0; k < depthStep; k++) s[k] += value * by[t][k];
      }
      for (int k = 0; k < depthStep; k++) store<n>(&table[(d + k) * keys + j], s[k]);
    }
  }
}

/** Where one window and head lie. */
struct Place {
  long inside, outside;
  const float *qkv, *bias, *logsums;

  Place(const AttentionCall& call, const Sizes& sizes, const std::vector<float>& bias, long window,
        long head)
      : inside(sizes.offset(window, head, 3 * sizes.channels)),
        outside(sizes.offset(window, head, sizes.channels)),
        qkv(call.qkv + inside),
        bias(&bias[head * sizes.n * sizes.keys]),
        logsums(call.logsums + (window * call.heads + head) * sizes.n) {}
};

/** The rows `query …` of the output. */
template <int rows>
void attend(const AttentionCall& call, Work& work, const Place& place, long query) {
  constexpr int n = lanes;
  const Sizes& sizes = work.sizes;
  work.gather(place.qkv + query * 3 * sizes.channels, 3 * sizes.channels, rows, call.scale, work.q);
  logits<rows>(work, query, place.bias, call.regions != nullptr);
  float inverse[rows];
  for (int t = 0; t < rows; t++) {
    float* row = &work.first[t * sizes.keys];
    Floats<n> tops = load<n>(row);
    for (long j = n; j < sizes.keys; j += n) {
      const Floats<n> s = load<n>(row + j);
      tops = s > tops ? s : tops;
    }
    const float top = maxOf<n>(tops);
    Floats<n> sums = {};
    for (long j = 0; j < sizes.keys; j += n) {
      const Floats<n> e = exponential<n>(load<n>(row + j) - top);
      store<n>(row + j, e);
      sums += e;
    }
    const float sum = sumOf<n>(sums);
    inverse[t] = 1 / sum;
    const_cast<float*>(place.logsums)[query + t] = top + std::log(sum);
  }
  float* to = call.output + place.outside + query * sizes.channels;
  combine<rows>(sizes, work.first, work.vt, inverse, to, sizes.channels);
}

/** The rows `query …` of dQ, and what they add to dK, dV and `dBias` (rows as long as the keys). */
template <int rows>
void attendGradient(const AttentionGradientCall& call, Work& work, const Place& place, long query,
                    float* dBias) {
  constexpr int n = lanes;
  const Sizes& sizes = work.sizes;
  const long outside = place.outside + query * sizes.channels;
  const float* upstream = call.dOutput + outside;
  work.gather(place.qkv + query * 3 * sizes.channels, 3 * sizes.channels, rows, call.scale, work.q);
  work.gather(upstream, sizes.channels, rows, 1, work.go);
  logits<rows>(work, query, place.bias, call.regions != nullptr);
  products<rows>(sizes, work.go, work.vt, work.second.data(), [](int, long) { return Floats<n>{}; });
  float factor[rows];
  for (int t = 0; t < rows; t++) {
    // Σ p·dp of the row is dO·O.
    float overlap = 0;
    for (long d = 0; d < sizes.depth; d++) {
      overlap += upstream[t * sizes.channels + d] * call.output[outside + t * sizes.channels + d];
    }
    const float logsum = place.logsums[query + t];
    float* to = dBias + (query + t) * sizes.keys;
    float* p = &work.first[t * sizes.keys];
    float* ds = &work.second[t * sizes.keys];
    for (long j = 0; j < sizes.keys; j += n) {
      const Floats<n> value = exponential<n>(load<n>(p + j) - logsum);
      const Floats<n> slope = value * (load<n>(ds + j) - overlap);
      store<n>(p + j, value);
      store<n>(ds + j, slope);
      store<n>(to + j, load<n>(to + j) + slope);
    }
    factor[t] = call.scale;
  }
  float* dq = call.dQkv + place.inside + query * 3 * sizes.channels;
  combine<rows>(sizes, work.second, work.kt, factor, dq, 3 * sizes.channels);
  spread<rows>(sizes, work.first, work.go, work.dvt);
  spread<rows>(sizes, work.second, work.q, work.dkt);
}

}  // namespace

void windowAttention(const AttentionCall& call) {
  const Sizes sizes(call);
  const auto bias = paddedBias(call, sizes);
  const long windows = call.windows;
  parallelFor(call.heads * windows, [&](long item) {
    const Place place(call, sizes, bias, item % windows, item / windows);
    Work work(sizes, false);
    work.takeRegions(call, item % windows);
    work.transposeIn(place.qkv + sizes.channels, work.kt);
    work.transposeIn(place.qkv + 2 * sizes.channels, work.vt);
    long query = 0;
    for (; query + rowsMax <= sizes.n; query += rowsMax) attend<rowsMax>(call, work, place, query);
    for (; query < sizes.n; query++) attend<1>(call, work, place, query);
  });
}

/** `dBias` is added to, in the order of the windows. */
void windowAttentionGradient(const AttentionGradientCall& call) {
  const Sizes sizes(call);
  const auto bias = paddedBias(call, sizes);
  const long windows = call.windows, heads = call.heads;
  const long shares = std::min(windows, (gradientPieces + heads - 1) / heads);
  std::vector<std::vector<float>> parts(heads * shares);
  parallelFor(heads * shares, [&](long piece) {
    const long head = piece / shares, share = piece % shares;
    std::vector<float>& dBias = parts[piece];
    dBias.resize(sizes.n * sizes.keys);
    Work work(sizes, true);
    for (long window = windows * share / shares; window < windows * (share + 1) / shares; window++) {
      const Place place(call, sizes, bias, window, head);
      work.takeRegions(call, window);
      work.transposeIn(place.qkv + sizes.channels, work.kt);
      work.transposeIn(place.qkv + 2 * sizes.channels, work.vt);
      std::fill(work.dkt.begin(), work.dkt.end(), 0.0f);
      std::fill(work.dvt.begin(), work.dvt.end(), 0.0f);
      long query = 0;
      for (; query + rowsMax <= sizes.n; query += rowsMax) {
        attendGradient<rowsMax>(call, work, place, query, dBias.data());
      }
      for (; query < sizes.n; query++) {
        attendGradient<1>(call, work, place, query, dBias.data());
      }
      float* to = call.dQkv + place.inside;
      work.transposeOut(work.dkt, to + sizes.channels);
      work.transposeOut(work.dvt, to + 2 * sizes.channels);
    }
  });
  parallelFor(heads * sizes.n, [&](long row) {
    const long head = row / sizes.n, i = row % sizes.n;
    for (long share = 0; share < shares; share++) {
      const float* from = &parts[head * shares + share][i * sizes.keys];
      for (long j = 0; j < sizes.n; j++) call.dBias[row * sizes.n + j] += from[j];
    }
  });
}

}  // namespace annulus
