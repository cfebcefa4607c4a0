/**
 * Vectors of the compiler's own making: `Floats<n>` has n lanes on any instruction set, and n = 1 serves the tails. A
 * kernel is written once over n, the widest that the variant it is compiled for has.
 */
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace annulus {

/** Floats in a register. */
#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif

template <int n>
struct VectorTypes {
  typedef float Float __attribute__((vector_size(4 * n)));
  typedef int32_t Int __attribute__((vector_size(4 * n)));
  /** As they lie in memory. Of the type of their lanes, so that a store is known to change floats alone. */
  typedef float FloatsAnywhere __attribute__((vector_size(4 * n), aligned(4)));
  typedef int32_t IntsAnywhere __attribute__((vector_size(4 * n), aligned(4)));
};

template <int n>
using Floats = typename VectorTypes<n>::Float;
/** Also what a comparison gives: all ones or zeros in each lane. */
template <int n>
using Ints = typename VectorTypes<n>::Int;

#define ANNULUS_INLINE inline __attribute__((always_inline))

template <int n>
ANNULUS_INLINE Floats<n> load(const float* from) {
  return *reinterpret_cast<const typename VectorTypes<n>::FloatsAnywhere*>(from);
}

template <int n>
ANNULUS_INLINE Ints<n> load(const int32_t* from) {
  return *reinterpret_cast<const typename VectorTypes<n>::IntsAnywhere*>(from);
}

template <int n>
ANNULUS_INLINE void store(float* to, Floats<n> value) {
  *reinterpret_cast<typename VectorTypes<n>::FloatsAnywhere*>(to) = value;
}

template <int n>
ANNULUS_INLINE Floats<n> splat(float value) {
  // Minus nothing: the one constant that changes no bit of any value.
  return value - Floats<n>{};
}

template <int n>
ANNULUS_INLINE float sumOf(Floats<n> value) {
  if constexpr (n == 1) {
    return value[0];
  } else {
    float halves[n];
    std::memcpy(halves, &value, sizeof value);
    return sumOf<n / 2>(load<n / 2>(halves) + load<n / 2>(halves + n / 2));
  }
}

template <int n>
ANNULUS_INLINE float maxOf(Floats<n> value) {
  if constexpr (n == 1) {
    return value[0];
  } else {
    float halves[n];
    std::memcpy(halves, &value, sizeof value);
    const auto a = load<n / 2>(halves);
    const auto b = load<n / 2>(halves + n / 2);
    return maxOf<n / 2>(a > b ? a : b);
  }
}

template <int n>
ANNULUS_INLINE Ints<n> bitsOf(Floats<n> value) {
  Ints<n> bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

template <int n>
ANNULUS_INLINE Floats<n> floatsOf(Ints<n> bits) {
  Floats<n> value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <int n>
ANNULUS_INLINE Floats<n> squareRoot(Floats<n> value) {
  for (int k = 0; k < n; k++) value[k] = __builtin_sqrtf(value[k]);
  return value;
}

/**
 * e^x to 2 units in the last place for x up to 88: 2^n · p(r), |r| ≤ ln2/2 (Cephes' p). Below -87 it is 0, where subnormal
 * numbers would begin that slow some processors down a hundredfold.
 */
template <int n>
ANNULUS_INLINE Floats<n> exponential(Floats<n> x) {
  // 1.5 · 2^23: adding it leaves the nearest integer in the low bits.
  const Floats<n> shifted = x * 1.44269504f + 12582912.0f;
  const Floats<n> whole = shifted - 12582912.0f;
  Floats<n> r = x - whole * 0.693359375f;
  r = r - whole * -2.12194440e-4f;
  Floats<n> p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + (r + 1.0f);
  const Ints<n> power = (bitsOf<n>(shifted) << 23) + (127 << 23);
  return x < -87.0f ? Floats<n>{} : p * floatsOf<n>(power);
}

/**
 * Runs `body(from, width)` over `count` floats: whole registers, then single floats; `width` is a compile-time
 * constant, so that `body` is `[&](long i, auto width) { constexpr int n = width(); … }`.
 */
template <int n>
struct Width {
  constexpr int operator()() const { return n; }
};

template <class Body>
ANNULUS_INLINE void eachVector(long from, long to, Body body) {
  long i = from;
  for (; i + lanes <= to; i += lanes) body(i, Width<lanes>{});
  for (; i < to; i++) body(i, Width<1>{});
}

}  // namespace annulus
