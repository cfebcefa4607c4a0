/** The arguments of a call from Node: the heap and numbers, which are addresses in it, counts and scalars. */
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels.h"

namespace annulus {

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

/** Words: three tensors, a bias or 0, then the shape as it is declared. */
inline ConvShape convShape(const Words& words) {
  return {words.integer(4),  words.triple(5),  words.integer(8),  words.integer(9),
          words.triple(10), words.triple(13), words.triple(16), words.triple(19),
          words.integer(22) != 0};
}

}  // namespace annulus
