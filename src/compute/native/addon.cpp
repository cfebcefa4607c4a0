/**
 * The kernels as functions of Node: `kernel(heap, …numbers)`, where the heap is the ArrayBuffer of the wasm memory as it
 * is at this call, since it moves when it grows, and the numbers are addresses in it, counts and scalars.
 *
 * This file alone is compiled for every processor: it looks whether the one at hand has what the others were compiled
 * for, before any of them runs. It comes first at the link too, so that its copies of shared templates are kept.
 */
#define NAPI_VERSION 8
#include <node_api.h>

#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

#include "kernels.h"
#include "parallel.h"

namespace annulus {
namespace {

constexpr size_t argumentsMax = 16;

/** The heap and the numbers of one call. */
struct Call {
  char* heap;
  const double* numbers;

  /** 0 stands for no tensor. */
  template <class T>
  T* pointer(double address) const {
    if (address == 0) return nullptr;
    return reinterpret_cast<T*>(heap + static_cast<size_t>(address));
  }

  template <class T>
  T get(int index) const {
    if constexpr (std::is_pointer_v<T>) {
      return pointer<std::remove_pointer_t<T>>(numbers[index]);
    } else {
      return static_cast<T>(numbers[index]);
    }
  }
};

/** A parameter block: 32-bit words at the address that is the first number. */
class Words {
 public:
  explicit Words(const Call& call) : call_(call), words_(call.get<const uint32_t*>(0)) {}

  template <class T>
  T* pointer(int at) const { return call_.pointer<T>(words_[at]); }
  int integer(int at) const { return static_cast<int>(words_[at]); }
  std::array<int, 3> triple(int at) const { return {integer(at), integer(at + 1), integer(at + 2)}; }
  float real(int at) const {
    float value;
    std::memcpy(&value, words_ + at, sizeof value);
    return value;
  }

 private:
  const Call& call_;
  const uint32_t* words_;
};

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

/** Words: three tensors, a bias or 0, then the shape as it is declared. */
ConvShape convShape(const Words& words) {
  return {words.integer(4),  words.triple(5),  words.integer(8),  words.integer(9),
          words.triple(10), words.triple(13), words.triple(16), words.triple(19),
          words.integer(22) != 0};
}

void callConvForward(const Call& call) {
  const Words words(call);
  convForward(convShape(words), words.pointer<const float>(0), words.pointer<const float>(1),
              words.pointer<const float>(3), words.pointer<float>(2));
}

void callConvInputGradient(const Call& call) {
  const Words words(call);
  convInputGradient(convShape(words), words.pointer<const float>(0), words.pointer<const float>(1),
                    words.pointer<const float>(3), words.pointer<float>(2));
}

void callConvFilterGradient(const Call& call) {
  const Words words(call);
  convFilterGradient(convShape(words), words.pointer<const float>(0), words.pointer<const float>(1),
                     words.pointer<float>(2));
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
    {"convForward", callConvForward},
    {"convInputGradient", callConvInputGradient},
    {"convFilterGradient", callConvFilterGradient},
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
  napi_value argument;
  size_t count = 1;
  int32_t threads = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count != 1 || napi_get_value_int32(env, argument, &threads) != napi_ok || threads < 1) {
    napi_throw_range_error(env, nullptr, "at least one thread");
    return nullptr;
  }
  delete poolOf(env);
  napi_set_instance_data(
      env, new Pool(threads), [](napi_env, void* pool, void*) { delete static_cast<Pool*>(pool); },
      nullptr);
  return nullptr;
}

bool processorFits() {
#if defined(ANNULUS_AVX512)
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
