#pragma once
#include <node_api.h>

namespace annulus {

/** The one argument of `setThreads(count)`; 0 after it has thrown. */
inline int threadCount(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  int32_t threads = 0;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count == 1 && napi_get_value_int32(env, argument, &threads) == napi_ok && threads >= 1) {
    return threads;
  }
  napi_throw_range_error(env, nullptr, "at least one thread");
  return 0;
}

}  // namespace annulus
