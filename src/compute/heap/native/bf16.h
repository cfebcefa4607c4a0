/**
 * bf16: the upper half of a float32. Operands are rounded to it as a convolution takes them in, and multiplied and added
 * up in float32.
 */
#pragma once

#include <memory>

#include "vectors.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace annulus {

template <int n>
struct WordTypes {
  typedef uint32_t Word __attribute__((vector_size(4 * n)));
};

template <int n>
using Words32 = typename WordTypes<n>::Word;

/** The nearest bf16, ties to even, with zeros for the lower half. What is not a number stays none. */
template <int n>
ANNULUS_INLINE Words32<n> roundToBf16(Floats<n> value) {
  Words32<n> bits, isNan;
  const Ints<n> unequal = value != value;
  std::memcpy(&bits, &value, sizeof bits);
  std::memcpy(&isNan, &unequal, sizeof isNan);
  // Half a unit, or just below it where the last bit is even: then a tie stays.
  const Words32<n> nearest = bits + (0x7fff + ((bits >> 16) & 1));
  // Rounded up, a NaN would come out as an infinity or a zero.
  const Words32<n> quiet = bits | 0x00400000;
  return ((isNan & quiet) | (~isNan & nearest)) & 0xffff0000;
}

/** Channels 2k and 2k + 1 of each voxel as one word, the first in its lower half; an odd last one beside zero. */
std::unique_ptr<int32_t[]> bf16ChannelPairs(const float* x, long voxels, int channels);

/** Values i and i + step as one word; zero beside the last `step`. */
std::unique_ptr<int32_t[]> bf16StepPairs(const float* x, long count, long step);

/** Two rounded values as one word. */
ANNULUS_INLINE int32_t bf16Pair(float low, float high) {
  const Floats<1> first{low}, second{high};
  return static_cast<int32_t>(roundToBf16<1>(first)[0] >> 16 | roundToBf16<1>(second)[0]);
}

/** `sums + a · b` over both halves of the words. */
template <int n>
ANNULUS_INLINE Floats<n> addPairs(Floats<n> sums, Ints<n> a, int32_t b) {
  const Ints<n> factor = b - Ints<n>{};
#if defined(__AVX512BF16__)
  // The instruction takes subnormal numbers for zeros.
  if constexpr (n == 16) return (Floats<n>)_mm512_dpbf16_ps((__m512)sums, (__m512bh)a, (__m512bh)factor);
  if constexpr (n == 8) return (Floats<n>)_mm256_dpbf16_ps((__m256)sums, (__m256bh)a, (__m256bh)factor);
#endif
  constexpr int32_t upper = static_cast<int32_t>(0xffff0000);
  sums += floatsOf<n>(a & upper) * floatsOf<n>(factor & upper);
  return sums + floatsOf<n>(a << 16) * floatsOf<n>(factor << 16);
}

}  // namespace annulus
