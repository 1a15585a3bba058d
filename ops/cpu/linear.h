// Linear interpolation of rows of channels: rows in the widest vectors that fit, and slopes within a cell.
#pragma once
#include "simd.h"

namespace OMNIFIELD_ISA {

// Calls piece<N>(c) for vectors of N channels from c on that make up a row. C is the number of channels where it is
// known at compile time, else 0.
template <int C, typename Piece>
[[gnu::always_inline]] inline void over_channels(int channels, Piece&& piece) {
  const int total = C ? C : channels;
  int c = 0;
  for (; c + 16 <= total; c += 16) piece.template operator()<16>(c);
  if (total & 8) piece.template operator()<8>(c), c += 8;
  if (total & 4) piece.template operator()<4>(c), c += 4;
  if (total & 2) piece.template operator()<2>(c), c += 2;
  if (total & 1) piece.template operator()<1>(c);
}

template <int N>
[[gnu::always_inline]] inline float sum_of(Vector<N> v) {
  if constexpr (N == 1) {
    return v;
  } else {
    Vector<N / 2> half[2];
    std::memcpy(half, &v, sizeof v);
    return sum_of<N / 2>(half[0] + half[1]);
  }
}

// NaN is not zero. A row of zeros is what a sample behind a surface gets: most of them in a trained scene.
[[gnu::always_inline]] inline bool is_zero(const float* row, int channels) {
  if (row[0] != 0) return false;
  uint32_t bits = 0;
  for (int c = 0; c < channels; ++c) {
    uint32_t of_one;
    std::memcpy(&of_one, row + c, sizeof of_one);
    bits |= of_one;
  }
  return !(bits << 1);  // but for the sign
}

inline float clamp01(float x) { return x > 0.f ? (x < 1.f ? x : 1.f) : 0.f; }  // NaN becomes 0: never out of bounds

// Derivative by fraction `axis` of what is interpolated between the 2^D corners of a cell: the differences along this
// axis, interpolated along the others. Bit d of a corner's number is its place along axis d.
template <int D, typename V>
[[gnu::always_inline]] inline V slope(int axis, const V (&corner)[1 << D], const float* fraction) {
  V rest[1 << D];
  const int bit = 1 << axis;
  int count = 0;
  for (int k = 0; k < 1 << D; ++k)
    if (!(k & bit)) rest[count++] = corner[k | bit] - corner[k];
  for (int other = 0; other < D; ++other) {
    if (other == axis) continue;
    count /= 2;
    for (int k = 0; k < count; ++k) rest[k] = rest[2 * k] + fraction[other] * (rest[2 * k + 1] - rest[2 * k]);
  }
  return rest[0];
}

// Weights of the corners of 2^D cells at once: weight[k][s] from fraction[axis][s].
template <int D, int Block>
[[gnu::always_inline]] inline void find_weights(const float (&fraction)[D][Block], int count,
                                                float (&weight)[1 << D][Block]) {
  for (int s = 0; s < count; ++s) {
    float product[1 << D] = {1};
    for (int axis = 0; axis < D; ++axis)
      for (int k = 0; k < 1 << axis; ++k) {
        product[k | 1 << axis] = product[k] * fraction[axis][s];
        product[k] *= 1 - fraction[axis][s];
      }
    for (int k = 0; k < 1 << D; ++k) weight[k][s] = product[k];
  }
}

}  // namespace OMNIFIELD_ISA
