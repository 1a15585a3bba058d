// Vectors of floats in the GNU vector extension: the compiler maps them to SSE, AVX2, AVX-512 or NEON.
// Everything lives in the namespace of the instruction set it is compiled for, so that no two builds share a symbol.
#pragma once
#include <cstdint>
#include <cstring>

namespace OMNIFIELD_ISA {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif

template <int N>
struct VectorOf {
  typedef float type __attribute__((vector_size(N * sizeof(float))));
};
template <>
struct VectorOf<1> {
  typedef float type;
};
template <int N>
using Vector = typename VectorOf<N>::type;

template <int N>
[[gnu::always_inline]] inline Vector<N> load(const float* from) {
  Vector<N> v;
  std::memcpy(&v, from, sizeof v);  // an unaligned load
  return v;
}

template <int N>
[[gnu::always_inline]] inline void store(float* to, Vector<N> v) {
  std::memcpy(to, &v, sizeof v);
}

}  // namespace OMNIFIELD_ISA
