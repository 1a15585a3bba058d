// C (+)= A·B on blocks that stay in the cache: the one inner loop of the small MLPs.
#pragma once
#include "simd.h"

namespace OMNIFIELD_ISA {

// A strided view: element (row, k) is at data[row * row_stride + k * k_stride]. Lets one loop serve A, Aᵀ and slices.
struct Strided {
  const float* data;
  int row_stride, k_stride;
};

struct Overwrite {};
struct Accumulate {};
struct Relu {};  // overwrite, and clip at zero; NaN stays NaN

// R rows by V vectors of C, held in registers while k runs.
template <int R, int V, typename Store>
[[gnu::always_inline]] inline void tile(Strided a, const float* b, int ldb, int depth, float* c, int ldc, Store) {
  using Float = Vector<kWidth>;
  Float sum[R][V] = {};
  for (int k = 0; k < depth; ++k) {
    Float row[V];
    for (int v = 0; v < V; ++v) row[v] = load<kWidth>(b + k * ldb + v * kWidth);
    for (int r = 0; r < R; ++r) {
      const float scale = a.data[r * a.row_stride + k * a.k_stride];
      for (int v = 0; v < V; ++v) sum[r][v] += scale * row[v];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      float* to = c + r * ldc + v * kWidth;
      if constexpr (__is_same(Store, Accumulate)) sum[r][v] += load<kWidth>(to);
      if constexpr (__is_same(Store, Relu)) sum[r][v] = sum[r][v] < 0.f ? Float{} : sum[r][v];
      store<kWidth>(to, sum[r][v]);
    }
}

// All rows, an even number: in tiles of R, and what is left of them in tiles of 4 and of 2.
template <int R, int V, typename Store>
inline void panel(Strided a, const float* b, int ldb, int rows, int depth, float* c, int ldc, Store store) {
  int r = 0;
  for (; r + R <= rows; r += R)
    tile<R, V>({a.data + r * a.row_stride, a.row_stride, a.k_stride}, b, ldb, depth, c + r * ldc, ldc, store);
  if constexpr (R > 2)
    if (r < rows)
      panel<(R > 4 ? 4 : 2), V>({a.data + r * a.row_stride, a.row_stride, a.k_stride}, b, ldb, rows - r, depth,
                                c + r * ldc, ldc, store);
}

// `rows` is even, `columns` a multiple of kWidth. The shapes of the tiles fill the registers of each instruction set:
// of AVX2's 16, 6×2 sums, two vectors of B and one element of A take 15, and an FMA needs 8/12 of a load.
template <typename Store>
inline void gemm(Strided a, const float* b, int ldb, int rows, int columns, int depth, float* c, int ldc, Store store) {
  constexpr int kWide = kWidth == 16 ? 4 : 2, kTall = kWidth == 8 ? 6 : 4;
  int j = 0;
  for (; j + kWide * kWidth <= columns; j += kWide * kWidth)
    panel<kTall, kWide>(a, b + j, ldb, rows, depth, c + j, ldc, store);
  for (; j < columns; j += kWidth) panel<8, 1>(a, b + j, ldb, rows, depth, c + j, ldc, store);
}

}  // namespace OMNIFIELD_ISA
