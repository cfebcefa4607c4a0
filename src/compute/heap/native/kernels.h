/**
 * The kernels, on plain pointers. Their meaning stands with their definitions; the shapes and the order of the arguments
 * are those of `src/compute/heap/wasm/assembly`, without the scratch that a C++ kernel makes itself.
 */
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace annulus {

void instanceMoments(const float* x, float* stats, int batch, int voxels, int channels, float eps);
void instanceNorm(const float* x, const float* stats, const float* gamma, const float* beta,
                  float* y, int batch, int voxels, int channels, float slope);
void instanceNormGradient(const float* x, const float* dy, const float* stats, const float* gamma,
                          const float* beta, float* dx, float* dgamma, float* dbeta, int batch,
                          int voxels, int channels, float slope);
void leakyRelu(const float* x, const float* g, float* y, int count, float slope);
void crossEntropyDice(const float* logits, const int32_t* labels, float* gradient, float* result,
                      int samples, int voxels, int classes, int groups, float smooth);
void add(const float* a, const float* b, float* y, int count);
void scale(const float* x, const float* factor, float* y, int count);
void adamW(float* p, const float* g, float* m, float* v, int count, float beta1, float beta2,
           float rest1, float rest2, float eps, float shrink, float rate, float correction);
void sgd(float* p, const float* g, float* v, int count, float lr, float momentum, float decay);
void layerNorm(const float* x, const float* gamma, const float* beta, float* y, float* stats,
               int rows, int channels, float eps);
void layerNormGradient(const float* x, const float* dy, const float* stats, const float* gamma,
                       float* dx, float* dgamma, float* dbeta, int rows, int channels);
void gelu(const float* x, const float* dy, float* y, int count);
void mergePatches(float* grid, float* merged, bool reverse, int batch, int depth, int height,
                  int width, int channels);
void gatherBias(const float* table, const int32_t* index, float* out, int rows, int heads,
                int count);
void gatherBiasGradient(const float* dout, const int32_t* index, float* dtable, int rows, int heads,
                        int count);

/**
 * One convolution `[b, d, h, w, I]` and `[O, I, kd, kh, kw] → [b, d', h', w', O]`, or, read backwards, one transposed
 * convolution. A dense product is one of kernel 1 over a row.
 */
struct ConvShape {
  int batch;
  /** Depth, height, width. */
  std::array<int, 3> input;
  int inputs, outputs;
  /** `pad` voxels of zeros before each axis, and after it as many as its outputs reach into. */
  std::array<int, 3> kernel, stride, pad;
  std::array<int, 3> output;
  /** To be summed in tiles, `winograd.h`: kernel 3×3×3, stride 1, at least 4 channels on both sides. */
  bool tiled;

  long inputVoxels() const { return voxels(batch, input); }
  long outputVoxels() const { return voxels(batch, output); }
  long weights() const { return voxels(inputs, kernel) * outputs; }

 private:
  static long voxels(long count, const std::array<int, 3>& sides) {
    return count * sides[0] * sides[1] * sides[2];
  }
};

/** `bias` may be null. */
void convForward(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y);
/** `bias`, one value per input channel, may be null. */
void convInputGradient(const ConvShape& shape, const float* dy, const float* w, const float* bias,
                       float* dx);
void convFilterGradient(const ConvShape& shape, const float* x, const float* dy, float* dw);
/** The same with the factors rounded to bf16 on the way, two products at a time. */
void convForwardPairs(const ConvShape& shape, const float* x, const float* w, const float* bias,
                      float* y);
void convInputGradientPairs(const ConvShape& shape, const float* dy, const float* w,
                            const float* bias, float* dx);
void convFilterGradientPairs(const ConvShape& shape, const float* x, const float* dy, float* dw);
/** `count` floats rounded to bf16. */
std::unique_ptr<float[]> bf16Copy(const float* x, long count);
void columnSums(const float* x, float* sums, int rows, int channels);
/** Steps and bytes as `wasm/assembly/layout.ts` has them. */
void copyRows(const char* from, int fromStep, char* to, int toStep, int bytes, int rows);

struct WindowsCall {
  float* grid;
  float* windows;
  bool reverse;
  int batch;
  /** Depth, height, width. */
  std::array<int, 3> size;
  int channels;
  std::array<int, 3> window;
  /** Not negative, below the padded sides. */
  std::array<int, 3> shift;
};

void windows(const WindowsCall& call);

struct AttentionCall {
  const float* qkv;
  const float* bias;
  /** A row of tokens for each group of windows, or null. */
  const int32_t* regions;
  float* output;
  float* logsums;
  int windows, tokens, heads, depth, groups;
  float scale;
};

struct AttentionGradientCall : AttentionCall {
  const float* dOutput;
  float* dQkv;
  float* dBias;
};

void windowAttention(const AttentionCall& call);
void windowAttentionGradient(const AttentionGradientCall& call);

}  // namespace annulus
