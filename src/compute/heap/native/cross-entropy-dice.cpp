/**
 * Cross-entropy plus soft Dice with their gradient, over logits `[samples, voxels, classes]`.
 *
 *   ce   = mean of -log p[label],  p = softmax(logits)
 *   dice = -mean over groups and classes k ≥ 1 of (2·I + smooth) / (P + Y + smooth)
 *
 * with I = Σ p·y, P = Σ p, Y = Σ y over a group: the whole batch or one sample. The gradient of the Dice with
 * respect to p is A·y + B per class, which the second pass takes through the softmax.
 *
 * Voxels lie in the lanes: each block is turned into planes, one per class. Between the two passes the planes
 * of the probabilities wait where the gradient will be.
 */
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels.h"
#include "parallel.h"
#include "vectors.h"

namespace annulus {
namespace {

constexpr long block = 128;
/** Voxels of one piece of work, whole blocks. */
constexpr long pieceVoxels = 4096;

/** One block with a plane per class, its labels, and what its voxels sum to; filled up with class-less voxels. */
struct Planes {
  int classes;
  std::vector<float> values;
  int32_t labels[block];
  float sums[block];
  float chosen[block];

  explicit Planes(int classes) : classes(classes), values(classes * block) {}

  float* of(int k) { return &values[k * block]; }

  void setLabels(const int32_t* from, long count) {
    std::copy(from, from + count, labels);
    std::fill(labels + count, labels + block, -1);
  }
};

/** Σ p, Σ p·y and Σ y of each class, and Σ -log p[label]. */
struct Sums {
  std::vector<double> p, hits, y;
  double loss = 0;

  explicit Sums(int classes) : p(classes), hits(classes), y(classes) {}

  void add(const Sums& more) {
    for (size_t k = 0; k < p.size(); k++) {
      p[k] += more.p[k];
      hits[k] += more.hits[k];
      y[k] += more.y[k];
    }
    loss += more.loss;
  }
};

/** Logits in the planes → probabilities. */
void softmax(Planes& planes) {
  constexpr int n = lanes;
  for (long i = 0; i < block; i += n) {
    Floats<n> top = load<n>(planes.of(0) + i);
    for (int k = 1; k < planes.classes; k++) {
      const Floats<n> value = load<n>(planes.of(k) + i);
      top = value > top ? value : top;
    }
    const Ints<n> label = load<n>(planes.labels + i);
    Floats<n> sum = {}, chosen = {};
    for (int k = 0; k < planes.classes; k++) {
      const Floats<n> shifted = load<n>(planes.of(k) + i) - top;
      const Floats<n> e = exponential<n>(shifted);
      sum += e;
      chosen = label == k ? shifted : chosen;
      store<n>(planes.of(k) + i, e);
    }
    store<n>(planes.sums + i, sum);
    store<n>(planes.chosen + i, chosen);
    const Floats<n> inverse = 1.0f / sum;
    for (int k = 0; k < planes.classes; k++) {
      store<n>(planes.of(k) + i, load<n>(planes.of(k) + i) * inverse);
    }
  }
}

/** Adds up the first `count` voxels of the planes; zeroes the rest. */
void addUp(Planes& planes, long count, Sums& sums) {
  constexpr int n = lanes;
  for (int k = 0; k < planes.classes; k++) {
    std::fill(planes.of(k) + count, planes.of(k) + block, 0.0f);
    Floats<n> p = {}, hits = {}, y = {};
    for (long i = 0; i < block; i += n) {
      const Floats<n> value = load<n>(planes.of(k) + i);
      const Ints<n> hit = load<n>(planes.labels + i) == k;
      p += value;
      hits += hit ? value : Floats<n>{};
      y += hit ? splat<n>(1.0f) : Floats<n>{};
    }
    sums.p[k] += sumOf<n>(p);
    sums.hits[k] += sumOf<n>(hits);
    sums.y[k] += sumOf<n>(y);
  }
  // The logarithm of the product of the softmaxes' sums is the sum of their logarithms: one instead of many.
  double products[4] = {1, 1, 1, 1};
  for (long i = 0; i < count; i++) {
    products[i & 3] *= planes.sums[i];
    sums.loss -= planes.chosen[i];
  }
  sums.loss += std::log(products[0] * products[1]) + std::log(products[2] * products[3]);
}

/** p → q - p·Σq + (p - y)·weight with q = p·(A·y + B), in place. */
void throughSoftmax(Planes& planes, const float* onLabel, const float* everywhere, float weight) {
  constexpr int n = lanes;
  for (long i = 0; i < block; i += n) {
    const Ints<n> label = load<n>(planes.labels + i);
    Floats<n> sum = {};
    for (int k = 0; k < planes.classes; k++) {
      const Floats<n> slope = everywhere[k] + (label == k ? splat<n>(onLabel[k]) : Floats<n>{});
      sum += load<n>(planes.of(k) + i) * slope;
    }
    for (int k = 0; k < planes.classes; k++) {
      const Floats<n> p = load<n>(planes.of(k) + i);
      const Floats<n> slope = everywhere[k] + (label == k ? splat<n>(onLabel[k]) : Floats<n>{});
      const Floats<n> y = label == k ? splat<n>(1.0f) : Floats<n>{};
      store<n>(planes.of(k) + i, p * (slope - sum) + (p - y) * weight);
    }
  }
}

/** Calls `body(at, count)` for each block of a piece of `points` voxels. */
template <class Body>
void eachBlock(long piece, long points, Body body) {
  const long end = std::min(points, (piece + 1) * pieceVoxels);
  for (long at = piece * pieceVoxels; at < end; at += block) body(at, std::min(block, end - at));
}

}  // namespace

/**
 * @param labels int32 `[samples, voxels]`; a label outside the classes counts for none
 * @param gradient `[samples, voxels, classes]` out
 * @param result 3 floats out: loss, ce, dice
 * @param groups 1 or `samples`
 */
void crossEntropyDice(const float* logits, const int32_t* labels, float* gradient, float* result,
                      int samples, int voxels, int classes, int groups, float smooth) {
  const long points = static_cast<long>(samples / groups) * voxels;
  const long pieces = (points + pieceVoxels - 1) / pieceVoxels;
  std::vector<Sums> parts(groups * pieces, Sums(classes));
  parallelFor(groups * pieces, [&](long item) {
    const long offset = item / pieces * points;
    Planes planes(classes);
    eachBlock(item % pieces, points, [&](long at, long count) {
      const float* from = logits + (offset + at) * classes;
      planes.setLabels(labels + offset + at, count);
      for (long i = 0; i < count; i++) {
        for (int k = 0; k < classes; k++) planes.of(k)[i] = from[i * classes + k];
      }
      softmax(planes);
      addUp(planes, count, parts[item]);
      float* to = gradient + (offset + at) * classes;
      for (int k = 0; k < classes; k++) std::copy_n(planes.of(k), count, to + k * count);
    });
  });

  const double share = 1.0 / std::max(1, classes - 1) / groups;
  std::vector<float> onLabel(groups * classes), everywhere(groups * classes);
  double ce = 0, dice = 0;
  for (int group = 0; group < groups; group++) {
    Sums sums(classes);
    for (long piece = 0; piece < pieces; piece++) sums.add(parts[group * pieces + piece]);
    ce += sums.loss;
    for (int k = 1; k < classes; k++) {
      const double numerator = 2 * sums.hits[k] + smooth;
      const double denominator = std::max(sums.p[k] + sums.y[k] + smooth, 1e-8);
      dice -= share * numerator / denominator;
      onLabel[group * classes + k] = static_cast<float>(-2 * share / denominator);
      everywhere[group * classes + k] =
          static_cast<float>(share * numerator / (denominator * denominator));
    }
  }
  ce /= static_cast<double>(samples) * voxels;
  result[0] = static_cast<float>(ce + dice);
  result[1] = static_cast<float>(ce);
  result[2] = static_cast<float>(dice);

  const float weight = static_cast<float>(1 / (static_cast<double>(samples) * voxels));
  parallelFor(groups * pieces, [&](long item) {
    const long group = item / pieces;
    Planes planes(classes);
    eachBlock(item % pieces, points, [&](long at, long count) {
      float* to = gradient + (group * points + at) * classes;
      planes.setLabels(labels + group * points + at, count);
      for (int k = 0; k < classes; k++) std::copy_n(to + k * count, count, planes.of(k));
      throughSoftmax(planes, &onLabel[group * classes], &everywhere[group * classes], weight);
      for (long i = 0; i < count; i++) {
        for (int k = 0; k < classes; k++) to[i * classes + k] = planes.of(k)[i];
      }
    });
  });
}

}  // namespace annulus
