/**
 * What the products of a convolution multiply at one step: a float32 and a weight, or a pair of bf16 in one word and a
 * pair of weights. To all else a pair is one value: a tensor of pairs has half the channels, or half the points.
 */
#pragma once

#include "bf16.h"
#include "vectors.h"

namespace annulus {

struct Singles {
  typedef float Value;
  static constexpr int size = 1;

  /** What lies at `from`. */
  static ANNULUS_INLINE Value join(const float* from, long, bool) { return *from; }
  template <int n>
  static ANNULUS_INLINE Floats<n> add(Floats<n> sums, Floats<n> weights, Value value) {
    return sums + weights * value;
  }
};

struct Pairs {
  typedef int32_t Value;
  static constexpr int size = 2;

  /** What lies at `from` and a step on, or beside zero where there is no second. */
  static ANNULUS_INLINE Value join(const float* from, long step, bool hasSecond) {
    return bf16Pair(*from, hasSecond ? from[step] : 0);
  }
  template <int n>
  static ANNULUS_INLINE Floats<n> add(Floats<n> sums, Ints<n> weights, Value value) {
    return addPairs<n>(sums, weights, value);
  }
};

/** Values that so many floats make. */
template <class Terms>
constexpr int valuesOf(int floats) {
  return (floats + Terms::size - 1) / Terms::size;
}

}  // namespace annulus
