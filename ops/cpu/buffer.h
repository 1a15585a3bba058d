// Zeroed memory, aligned to a cache line.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace OMNIFIELD_ISA {
namespace {

// A vector of numbers of the standard library would leave weak symbols in this build's objects, of which the linker
// keeps one for all builds: a processor would run what was compiled for a wider one. (Of a type of this namespace it
// leaves none.)
template <typename Number>
struct Buffer {
  Number* data;
  explicit Buffer(int64_t count)
      : data(static_cast<Number*>(std::aligned_alloc(64, (count * sizeof(Number) + 63) / 64 * 64))) {
    std::memset(data, 0, count * sizeof(Number));
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
};

}  // namespace
}  // namespace OMNIFIELD_ISA
