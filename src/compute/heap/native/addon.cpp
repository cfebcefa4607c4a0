/**
 * The kernels as functions of Node: `kernel(heap, …numbers)`, where the heap is the ArrayBuffer of the wasm memory as it
 * is at this call, since it moves when it grows, and the numbers are addresses in it, counts and scalars.
 *
 * This file alone is compiled for every processor: it looks whether the one at hand has what the others were compiled
 * for, before any of them runs. It comes first at the link too, so that its copies of shared templates are kept.
 */
#define NAPI_VERSION 8
#include <node_api.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

#include "call.h"
#include "kernels.h"
#include "parallel.h"
#include "thread-count.h"

namespace annulus {
namespace {

constexpr size_t argumentsMax = 16;

using Kernel = void (*)(const Call&);

/** The arguments of `kernel` are the numbers in order; the number at `skipped`, if any, is scratch that it does without. */
template <auto kernel, int skipped = 99>
struct Plain;

template <class... Arguments, void (*kernel)(Arguments...), int skipped>
struct Plain<kernel, skipped> {
  static void run(const Call& call) { spread(call, std::index_sequence_for<Arguments...>{}); }

 private:
  template <size_t... at>
  static void spread(const Call& call, std::index_sequence<at...>) {
    kernel(call.get<Arguments>(static_cast<int>(at) + (static_cast<int>(at) >= skipped))...);
  }
};

/** The two factors of a convolution at words 0 and 1: as they are, or rounded to bf16 for the length of the call. */
class Factors {
 public:
  Factors(const Words& words, bool rounded, long firstCount, long secondCount)
      : first(words.pointer<const float>(0)), second(words.pointer<const float>(1)) {
    if (!rounded) return;
    first = (firstCopy_ = bf16Copy(first, firstCount)).get();
    second = (secondCopy_ = bf16Copy(second, secondCount)).get();
  }

  const float* first;
  const float* second;

 private:
  std::unique_ptr<float[]> firstCopy_, secondCopy_;
};

template <bool rounded>
void callConvForward(const Call& call) {
  const Words words(call);
  const ConvShape shape = convShape(words);
  const Factors factors(words, rounded, shape.inputVoxels() * shape.inputs, shape.weights());
  convForward(shape, factors.first, factors.second, words.pointer<const float>(3),
              words.pointer<float>(2));
}

template <bool rounded>
void callConvInputGradient(const Call& call) {
  const Words words(call);
  const ConvShape shape = convShape(words);
  const Factors factors(words, rounded, shape.outputVoxels() * shape.outputs, shape.weights());
  convInputGradient(shape, factors.first, factors.second, words.pointer<const float>(3),
                    words.pointer<float>(2));
}

template <bool rounded>
void callConvFilterGradient(const Call& call) {
  const Words words(call);
  const ConvShape shape = convShape(words);
  const Factors factors(words, rounded, shape.inputVoxels() * shape.inputs,
                        shape.outputVoxels() * shape.outputs);
  convFilterGradient(shape, factors.first, factors.second, words.pointer<float>(2));
}

void callConvForwardPairs(const Call& call) {
  const Words words(call);
  convForwardPairs(convShape(words), words.pointer<const float>(0), words.pointer<const float>(1),
                   words.pointer<const float>(3), words.pointer<float>(2));
}

void callConvInputGradientPairs(const Call& call) {
  const Words words(call);
  convInputGradientPairs(convShape(words), words.pointer<const float>(0),
                         words.pointer<const float>(1), words.pointer<const float>(3),
                         words.pointer<float>(2));
}

void callConvFilterGradientPairs(const Call& call) {
  const Words words(call);
  convFilterGradientPairs(convShape(words), words.pointer<const float>(0),
                          words.pointer<const float>(1), words.pointer<float>(2));
}

void callWindows(const Call& call) {
  const Words words(call);
  windows({words.pointer<float>(0), words.pointer<float>(1), words.integer(2) != 0,
           words.integer(3), words.triple(4), words.integer(7), words.triple(8), words.triple(11)});
}

void callMergePatches(const Call& call) {
  const Words words(call);
  const auto [depth, height, width] = words.triple(4);
  mergePatches(words.pointer<float>(0), words.pointer<float>(1), words.integer(2) != 0,
               words.integer(3), depth, height, width, words.integer(7));
}

/** Word 5 is scratch. */
AttentionCall attentionCall(const Words& words) {
  return {words.pointer<const float>(0), words.pointer<const float>(1),
          words.pointer<const int32_t>(2), words.pointer<float>(3),
          words.pointer<float>(4),       words.integer(6),
          words.integer(7),              words.integer(8),
          words.integer(9),              words.integer(10),
          words.real(11)};
}

void callAttention(const Call& call) { windowAttention(attentionCall(Words(call))); }

void callAttentionGradient(const Call& call) {
  const Words words(call);
  windowAttentionGradient({attentionCall(words), words.pointer<const float>(12),
                           words.pointer<float>(13), words.pointer<float>(14)});
}

struct Export {
  const char* name;
  Kernel kernel;
};

constexpr Export exported[] = {
    {"convForward", callConvForward<false>},
    {"convInputGradient", callConvInputGradient<false>},
    {"convFilterGradient", callConvFilterGradient<false>},
    {"convForwardBf16", callConvForward<true>},
    {"convInputGradientBf16", callConvInputGradient<true>},
    {"convFilterGradientBf16", callConvFilterGradient<true>},
    {"convForwardPairs", callConvForwardPairs},
    {"convInputGradientPairs", callConvInputGradientPairs},
    {"convFilterGradientPairs", callConvFilterGradientPairs},
    {"columnSums", Plain<columnSums>::run},
    {"copyRows", Plain<copyRows>::run},
    {"instanceMoments", Plain<instanceMoments, 2>::run},
    {"instanceNorm", Plain<instanceNorm, 5>::run},
    {"instanceNormGradient", Plain<instanceNormGradient, 8>::run},
    {"leakyRelu", Plain<leakyRelu>::run},
    {"crossEntropyDice", Plain<crossEntropyDice, 4>::run},
    {"add", Plain<add>::run},
    {"scale", Plain<scale>::run},
    {"adamW", Plain<adamW>::run},
    {"sgd", Plain<sgd>::run},
    {"windowAttention", callAttention},
    {"windowAttentionGradient", callAttentionGradient},
    {"layerNorm", Plain<layerNorm>::run},
    {"layerNormGradient", Plain<layerNormGradient, 7>::run},
    {"gelu", Plain<gelu>::run},
    {"windows", callWindows},
    {"mergePatches", callMergePatches},
    {"gatherBias", Plain<gatherBias>::run},
    {"gatherBiasGradient", Plain<gatherBiasGradient>::run},
};

Pool* poolOf(napi_env env) {
  void* pool = nullptr;
  napi_get_instance_data(env, &pool);
  return static_cast<Pool*>(pool);
}

/** The function whose data is the kernel. */
napi_value runKernel(napi_env env, napi_callback_info info) {
  napi_value arguments[argumentsMax];
  size_t count = argumentsMax;
  void* kernel = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &kernel);
  void* heap = nullptr;
  size_t heapBytes = 0;
  if (count == 0 || count > argumentsMax ||
      napi_get_arraybuffer_info(env, arguments[0], &heap, &heapBytes) != napi_ok) {
    napi_throw_type_error(env, nullptr, "a kernel takes the heap and at most 15 numbers");
    return nullptr;
  }
  double numbers[argumentsMax] = {};
  for (size_t i = 1; i < count; i++) {
    if (napi_get_value_double(env, arguments[i], &numbers[i - 1]) != napi_ok) {
      napi_throw_type_error(env, nullptr, "a kernel takes numbers after the heap");
      return nullptr;
    }
  }
  Pool::current = poolOf(env);
  try {
    reinterpret_cast<Kernel>(kernel)({static_cast<char*>(heap), numbers});
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  Pool::current = nullptr;
  return nullptr;
}

/** `setThreads(count)`: how many threads kernels called from this Node thread run on. */
napi_value setThreads(napi_env env, napi_callback_info info) {
  const int threads = threadCount(env, info);
  if (threads == 0) return nullptr;
  delete poolOf(env);
  napi_set_instance_data(
      env, new Pool(threads), [](napi_env, void* pool, void*) { delete static_cast<Pool*>(pool); },
      nullptr);
  return nullptr;
}

bool processorFits() {
#if defined(ANNULUS_AVX512) || defined(ANNULUS_AVX512BF16)
#if defined(ANNULUS_AVX512BF16)
  if (!__builtin_cpu_supports("avx512bf16")) return false;
#endif
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(ANNULUS_AVX2)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback, void* data) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace
}  // namespace annulus

NAPI_MODULE_INIT() {
  using namespace annulus;
  if (!processorFits()) {
    napi_throw_error(env, nullptr, "these kernels are for another processor");
    return nullptr;
  }
  define(env, exports, "setThreads", setThreads, nullptr);
  napi_value kernels;
  napi_create_object(env, &kernels);
  napi_set_named_property(env, exports, "kernels", kernels);
  for (const Export& entry : exported) {
    define(env, kernels, entry.name, runKernel, reinterpret_cast<void*>(entry.kernel));
  }
  return exports;
}
