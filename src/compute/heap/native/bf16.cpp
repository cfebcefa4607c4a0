/** Copies of tensors rounded to bf16. */
#include "bf16.h"

#include <algorithm>

#include "kernels.h"
#include "parallel.h"

namespace annulus {
namespace {

/** What a thread writes at a time. */
constexpr long pieceItems = 1 << 14;

/** `body(from, to)` over pieces of `count` items. */
template <class Body>
void eachPiece(long count, Body body) {
  parallelFor((count + pieceItems - 1) / pieceItems, [&](long piece) {
    body(piece * pieceItems, std::min(count, (piece + 1) * pieceItems));
  });
}

}  // namespace

std::unique_ptr<float[]> bf16Copy(const float* x, long count) {
  std::unique_ptr<float[]> copy(new float[count]);
  eachPiece(count, [&](long from, long to) {
    eachVector(from, to, [&](long i, auto width) {
      constexpr int n = width();
      const Words32<n> bits = roundToBf16<n>(load<n>(x + i));
      std::memcpy(copy.get() + i, &bits, sizeof bits);
    });
  });
  return copy;
}

std::unique_ptr<int32_t[]> bf16ChannelPairs(const float* x, long voxels, int channels) {
  const int pairs = (channels + 1) / 2;
  std::unique_ptr<int32_t[]> copy(new int32_t[voxels * pairs]);
  if (channels % 2 == 0) {
    eachPiece(voxels * pairs, [&](long from, long to) {
      for (long i = from; i < to; i++) copy[i] = bf16Pair(x[2 * i], x[2 * i + 1]);
    });
    return copy;
  }
  eachPiece(voxels, [&](long from, long to) {
    for (long voxel = from; voxel < to; voxel++) {
      const float* at = x + voxel * channels;
      int32_t* row = copy.get() + voxel * pairs;
      for (int k = 0; k + 1 < pairs; k++) row[k] = bf16Pair(at[2 * k], at[2 * k + 1]);
      row[pairs - 1] = bf16Pair(at[channels - 1], 0);
    }
  });
  return copy;
}

std::unique_ptr<int32_t[]> bf16StepPairs(const float* x, long count, long step) {
  std::unique_ptr<int32_t[]> copy(new int32_t[count]);
  eachPiece(count, [&](long from, long to) {
    const long paired = std::min(to, std::max(from, count - step));
    for (long i = from; i < paired; i++) copy[i] = bf16Pair(x[i], x[i + step]);
    for (long i = paired; i < to; i++) copy[i] = bf16Pair(x[i], 0);
  });
  return copy;
}

}  // namespace annulus
