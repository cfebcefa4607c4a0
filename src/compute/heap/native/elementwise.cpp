/** What happens to each value by itself: activations, a factor, the optimiser's step. */
#include <algorithm>

#include "kernels.h"
#include "parallel.h"
#include "vectors.h"

namespace annulus {
namespace {

/** Floats of one piece of work. */
constexpr long pieceFloats = 16384;

/** `body(i, width)` for each vector of `count` floats, in parallel. */
template <class Body>
void eachValue(long count, Body body) {
  parallelFor((count + pieceFloats - 1) / pieceFloats, [&](long piece) {
    eachVector(piece * pieceFloats, std::min(count, (piece + 1) * pieceFloats), body);
  });
}

/** Φ(x) and e^(-x²/2): erf by Abramowitz & Stegun 7.1.26, absolute error below 1.5e-7. */
template <int n>
struct Normal {
  Floats<n> cdf, bell;

  explicit ANNULUS_INLINE Normal(Floats<n> x) {
    const Floats<n> z = (x > 0.0f ? x : -x) * 0.7071067811865476f;
    const Floats<n> t = 1.0f / (z * 0.3275911f + 1.0f);
    Floats<n> poly = t * 1.061405429f - 1.453152027f;
    poly = poly * t + 1.421413741f;
    poly = poly * t - 0.284496736f;
    poly = poly * t + 0.254829592f;
    bell = exponential<n>(-(z * z));
    // Upper tail of |x|: 1 - Φ(|x|).
    const Floats<n> tail = poly * t * bell * 0.5f;
    cdf = x > 0.0f ? 1.0f - tail : tail;
  }
};

}  // namespace

/** `y = x > 0 ? g : slope · g`: with `g` the input itself or, for the gradient, the upstream one. */
void leakyRelu(const float* x, const float* g, float* y, int count, float slope) {
  eachValue(count, [=](long i, auto width) {
    constexpr int n = width();
    const Floats<n> value = load<n>(g + i);
    store<n>(y + i, load<n>(x + i) > 0.0f ? value : value * slope);
  });
}

/** `y = a + b`; `y` may be either. */
void add(const float* a, const float* b, float* y, int count) {
  eachValue(count, [=](long i, auto width) {
    constexpr int n = width();
    store<n>(y + i, load<n>(a + i) + load<n>(b + i));
  });
}

/** `y = x · factor[0]`. */
void scale(const float* x, const float* factor, float* y, int count) {
  const float by = *factor;
  eachValue(count, [=](long i, auto width) {
    constexpr int n = width();
    store<n>(y + i, load<n>(x + i) * by);
  });
}

/** `x · Φ(x)`, or, given `dy`, its gradient `dy · (Φ(x) + x·φ(x))`. */
void gelu(const float* x, const float* dy, float* y, int count) {
  if (dy == nullptr) {
    eachValue(count, [=](long i, auto width) {
      constexpr int n = width();
      const Floats<n> value = load<n>(x + i);
      store<n>(y + i, value * Normal<n>(value).cdf);
    });
    return;
  }
  eachValue(count, [=](long i, auto width) {
    constexpr int n = width();
    const Floats<n> value = load<n>(x + i);
    const Normal<n> normal(value);
    const Floats<n> slope = value * (normal.bell * 0.3989422804014327f) + normal.cdf;
    store<n>(y + i, load<n>(dy + i) * slope);
  });
}

/**
 * AdamW (Loshchilov & Hutter 2019) in place:
 *
 *   m = β1·m + (1 - β1)·g,  v = β2·v + (1 - β2)·g²,
 *   p = p·shrink - rate · m / (sqrt(v)·correction + eps)
 *
 * with shrink = 1 - lr·weightDecay, rate = lr / (1 - β1^step), correction = 1 / sqrt(1 - β2^step).
 */
void adamW(float* p, const float* g, float* m, float* v, int count, float beta1, float beta2,
           float rest1, float rest2, float eps, float shrink, float rate, float correction) {
  eachValue(count, [=](long i, auto width) {
    constexpr int n = width();
    const Floats<n> gradient = load<n>(g + i);
    const Floats<n> mean = load<n>(m + i) * beta1 + gradient * rest1;
    const Floats<n> square = load<n>(v + i) * beta2 + gradient * gradient * rest2;
    const Floats<n> deviation = squareRoot<n>(square) * correction + eps;
    store<n>(p + i, load<n>(p + i) * shrink - mean * rate / deviation);
    store<n>(m + i, mean);
    store<n>(v + i, square);
  });
}

/**
 * Stochastic gradient descent with Nesterov momentum in place, in PyTorch's order:
 *
 *   d = g + decay·p,  v = momentum·v + d,  p = p - lr·(d + momentum·v)
 */
void sgd(float* p, const float* g, float* v, int count, float lr, float momentum, float decay) {
  eachValue(count, [=](long i, auto width) {
    constexpr int n = width();
    const Floats<n> parameter = load<n>(p + i);
    const Floats<n> down = load<n>(g + i) + parameter * decay;
    const Floats<n> velocity = load<n>(v + i) * momentum + down;
    store<n>(p + i, parameter - (down + velocity * momentum) * lr);
    store<n>(v + i, velocity);
  });
}

}  // namespace annulus
