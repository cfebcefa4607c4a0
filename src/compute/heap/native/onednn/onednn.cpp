/**
 * The three convolutions by oneDNN, an addon of its own that needs its library where it is loaded. A kernel takes the heap
 * and the words of our own (`call.h`), and says whether oneDNN did the work; else it is left to our own.
 *
 * oneDNN works on the heap's channels-last tensors themselves; those to be rounded to bf16, and weights, which it wants in
 * an order of its own, are copied at each call.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <oneapi/dnnl/dnnl.hpp>

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "../call.h"
#include "../thread-count.h"

#if DNNL_VERSION_MAJOR != 2
#error "oneDNN 2 is needed: others have another interface"
#endif

/** Of the OpenMP runtime that oneDNN brings; absent from a oneDNN that was built without one. */
extern "C" __attribute__((weak)) void omp_set_num_threads(int);

namespace annulus {
namespace {

using dnnl::memory;

enum Kind { forward, inputGradient, filterGradient };
/** The tensors of a convolution. */
enum Tensor { x, w, y, tensors };

/** Convolutions kept ready; a net of ours has some two hundred with its gradients. */
constexpr size_t preparedMax = 512;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/** A convolution of one kind and shape, ready to run. */
struct Prepared {
  dnnl::primitive primitive;
  memory::desc scratch;
  /** As in the heap, and as the primitive takes them. */
  memory::desc heap[tensors], taken[tensors];
  /** Between the two where they differ. */
  std::optional<dnnl::reorder> reorders[tensors];
  /** The tensor that is written, and what the primitive calls each. */
  Tensor result;
  int names[tensors];
};

memory::dims dims(long a, long b, const std::array<int, 3>& sides) {
  return {a, b, sides[0], sides[1], sides[2]};
}

/** Zeros after each axis: as many as the last window reaches into, below none where it ends inside. */
memory::dims padAfter(const ConvShape& s) {
  memory::dims after(3);
  for (int axis = 0; axis < 3; axis++) {
    const int reach = (s.output[axis] - 1) * s.stride[axis] + s.kernel[axis];
    after[axis] = reach - s.pad[axis] - s.input[axis];
  }
  return after;
}

template <class PrimitiveDesc>
void adopt(Prepared& to, const PrimitiveDesc& desc, const memory::desc (&taken)[tensors]) {
  // Where oneDNN has only its reference for a processor or a shape, ours is faster.
  if (std::string(desc.impl_info_str()).rfind("ref", 0) == 0) {
    throw dnnl::error(dnnl_unimplemented, "only a reference implementation");
  }
  to.scratch = desc.scratchpad_desc();
  for (int t = 0; t < tensors; t++) {
    to.taken[t] = taken[t];
    if (taken[t] == to.heap[t]) continue;
    to.reorders[t] = t == to.result ? dnnl::reorder({engine(), taken[t], engine(), to.heap[t]})
                                    : dnnl::reorder({engine(), to.heap[t], engine(), taken[t]});
  }
}

/** @throws {dnnl::error} where oneDNN has no such convolution for this processor. */
Prepared prepare(Kind kind, const ConvShape& s, bool bf16) {
  Prepared p;
  p.result = kind == forward ? y : kind == inputGradient ? x : w;
  const memory::dims shapes[tensors] = {dims(s.batch, s.inputs, s.input),
                                        dims(s.outputs, s.inputs, s.kernel),
                                        dims(s.batch, s.outputs, s.output)};
  memory::desc any[tensors];
  for (int t = 0; t < tensors; t++) {
    const auto type = bf16 && t != p.result ? memory::data_type::bf16 : memory::data_type::f32;
    const auto tag = t == w ? memory::format_tag::oidhw : memory::format_tag::ndhwc;
    p.heap[t] = memory::desc(shapes[t], memory::data_type::f32, tag);
    any[t] = memory::desc(shapes[t], type, t == w ? memory::format_tag::any : tag);
  }
  const memory::dims strides(s.stride.begin(), s.stride.end()), before(s.pad.begin(), s.pad.end());
  const memory::dims after = padAfter(s);
  const auto direct = dnnl::algorithm::convolution_direct;
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  // The gradients ask for the forward convolution that they belong to.
  const dnnl::convolution_forward::primitive_desc ahead(
      {dnnl::prop_kind::forward_training, direct, any[x], any[w], any[y], strides, before, after},
      attr, engine());
  if (kind == forward) {
    adopt(p, ahead, {ahead.src_desc(), ahead.weights_desc(), ahead.dst_desc()});
    p.primitive = dnnl::convolution_forward(ahead);
    std::tie(p.names[x], p.names[w], p.names[y]) =
        std::make_tuple(DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST);
  } else if (kind == inputGradient) {
    const dnnl::convolution_backward_data::primitive_desc back(
        {direct, any[x], any[w], any[y], strides, before, after}, attr, engine(), ahead);
    adopt(p, back, {back.diff_src_desc(), back.weights_desc(), back.diff_dst_desc()});
    p.primitive = dnnl::convolution_backward_data(back);
    std::tie(p.names[x], p.names[w], p.names[y]) =
        std::make_tuple(DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST);
  } else {
    const dnnl::convolution_backward_weights::primitive_desc back(
        {direct, any[x], any[w], any[y], strides, before, after}, attr, engine(), ahead);
    adopt(p, back, {back.src_desc(), back.diff_weights_desc(), back.diff_dst_desc()});
    p.primitive = dnnl::convolution_backward_weights(back);
    std::tie(p.names[x], p.names[w], p.names[y]) =
        std::make_tuple(DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST);
  }
  return p;
}

/** On the heap's tensors `at`. */
void execute(const Prepared& p, float* const (&at)[tensors]) {
  dnnl::stream stream(engine());
  std::unordered_map<int, memory> arguments;
  memory heap[tensors], taken[tensors];
  for (int t = 0; t < tensors; t++) {
    heap[t] = memory(p.heap[t], engine(), at[t]);
    taken[t] = p.reorders[t] ? memory(p.taken[t], engine()) : heap[t];
    if (p.reorders[t] && t != p.result) p.reorders[t]->execute(stream, heap[t], taken[t]);
    arguments.emplace(p.names[t], taken[t]);
  }
  arguments.emplace(DNNL_ARG_SCRATCHPAD, memory(p.scratch, engine()));
  p.primitive.execute(stream, arguments);
  const Tensor r = p.result;
  if (p.reorders[r]) p.reorders[r]->execute(stream, taken[r], heap[r]);
  stream.wait();
}

using Key = std::tuple<Kind, bool, int, int, int, std::array<std::array<int, 3>, 5>>;

/** Of this Node thread and its number of threads; empty stands for a convolution that oneDNN does not have. */
thread_local std::map<Key, std::optional<Prepared>> preparedOnes;

const std::optional<Prepared>& preparedFor(Kind kind, const ConvShape& s, bool bf16) {
  const Key key{kind, bf16, s.batch, s.inputs, s.outputs,
                {s.input, s.kernel, s.stride, s.pad, s.output}};
  const auto found = preparedOnes.find(key);
  if (found != preparedOnes.end()) return found->second;
  if (preparedOnes.size() >= preparedMax) preparedOnes.clear();
  std::optional<Prepared> made;
  try {
    made = prepare(kind, s, bf16);
  } catch (const dnnl::error& error) {
    if (error.status != dnnl_unimplemented && error.status != dnnl_invalid_arguments) throw;
  }
  return preparedOnes.emplace(key, std::move(made)).first->second;
}

/** Adds a bias to `[voxels, channels]`. */
void addBias(float* values, const float* bias, long voxels, int channels) {
  for (long v = 0; v < voxels; v++) {
    for (int c = 0; c < channels; c++) values[v * channels + c] += bias[c];
  }
}

/** False where it is left to our own kernels. */
bool convolve(Kind kind, const Words& words, bool bf16) {
  const ConvShape s = convShape(words);
  // One tap makes a dense product.
  if (s.weights() == static_cast<long>(s.inputs) * s.outputs) return false;
  const std::optional<Prepared>& prepared = preparedFor(kind, s, bf16);
  if (!prepared) return false;
  // The words' first two tensors are the factors, the third the result.
  constexpr Tensor orders[][tensors] = {{x, w, y}, {y, w, x}, {x, y, w}};
  float* at[tensors];
  for (int k = 0; k < tensors; k++) at[orders[kind][k]] = words.pointer<float>(k);
  execute(*prepared, at);
  const float* bias = words.pointer<const float>(3);
  if (bias != nullptr && kind == forward) addBias(at[y], bias, s.outputVoxels(), s.outputs);
  if (bias != nullptr && kind == inputGradient) addBias(at[x], bias, s.inputVoxels(), s.inputs);
  return true;
}

/** `kernel(heap, words, bf16)`: whether oneDNN did it. */
template <Kind kind>
napi_value run(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result = nullptr;
  size_t count = 3, heapBytes = 0;
  void* heap = nullptr;
  double address = 0;
  bool bf16 = false;
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  if (count != 3 || napi_get_arraybuffer_info(env, arguments[0], &heap, &heapBytes) != napi_ok ||
      napi_get_value_double(env, arguments[1], &address) != napi_ok ||
      napi_get_value_bool(env, arguments[2], &bf16) != napi_ok) {
    napi_throw_type_error(env, nullptr, "a kernel takes the heap, an address and whether bf16");
    return nullptr;
  }
  try {
    const Call call{static_cast<char*>(heap), &address};
    napi_get_boolean(env, convolve(kind, Words(call), bf16), &result);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return result;
}

/** `setThreads(count)`: how many threads convolutions called from this Node thread run on. */
napi_value setThreads(napi_env env, napi_callback_info info) {
  const int threads = threadCount(env, info);
  if (threads == 0) return nullptr;
  if (omp_set_num_threads != nullptr) omp_set_num_threads(threads);
  preparedOnes.clear();
  return nullptr;
}

}  // namespace
}  // namespace annulus

NAPI_MODULE_INIT() {
  using namespace annulus;
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {{"setThreads", setThreads},
                   {"convForward", run<forward>},
                   {"convInputGradient", run<inputGradient>},
                   {"convFilterGradient", run<filterGradient>}};
  for (const auto& [name, callback] : functions) {
    napi_value function;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
