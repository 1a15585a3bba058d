// Hash grid, level by level over blocks of samples, so that one level's table stays in the cache.
#include <cmath>

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 128;       // samples whose corners are computed at once
constexpr int kAhead = 16;        // samples between asking memory for an entry and using it
constexpr uint32_t kPrimeY = 2654435761u, kPrimeZ = 805459861u;

// The eight vertices around each sample of a block, and their trilinear weights.
struct Corners {
  alignas(64) uint32_t entry[8][kBlock];  // times the features of an entry: an index of floats
  alignas(64) float weight[8][kBlock];
  alignas(64) float fraction[3][kBlock];
};

struct Level {
  float scale;
  uint32_t resolution, entries;
  bool dense;
};

Level level_of(const HashGrid& grid, int l) {
  const int64_t r = grid.resolutions[l], entries = grid.offsets[l + 1] - grid.offsets[l];
  return {grid.scales[l], uint32_t(r), uint32_t(entries), r * r * r <= entries};
}

inline float clamp01(float x) { return x > 0.f ? (x < 1.f ? x : 1.f) : 0.f; }  // NaN becomes 0: never out of bounds

template <bool kDense, int F>
inline void find_entries(const Level& level, const uint32_t (&cell)[3][kBlock], int count, Corners& c) {
  const uint32_t row = level.resolution, slice = level.resolution * level.resolution;
  const uint32_t entries = level.entries, mask = entries - 1;  // a hashed level's size is a power of two
  for (int s = 0; s < count; ++s) {
    const uint32_t x = cell[0][s], y = cell[1][s], z = cell[2][s];
    for (uint32_t k = 0; k < 8; ++k) {
      const uint32_t i = x + (k & 1), j = y + (k >> 1 & 1), l = z + (k >> 2);
      if constexpr (kDense) {
        const uint32_t index = i + j * row + l * slice;  // below 2 * entries: one subtraction is the modulo
        c.entry[k][s] = (index >= entries ? index - entries : index) * F;
      } else {
        c.entry[k][s] = ((i ^ j * kPrimeY ^ l * kPrimeZ) & mask) * F;
      }
    }
  }
}

template <int F>
void find_corners(const Level& level, const float* positions, int count, Corners& c) {
  alignas(64) uint32_t cell[3][kBlock];
  for (int axis = 0; axis < 3; ++axis)
    for (int s = 0; s < count; ++s) {
      const float p = clamp01(positions[3 * s + axis]) * level.scale + 0.5f;
      const int32_t floor = int32_t(p);  // p is positive
      cell[axis][s] = uint32_t(floor);
      c.fraction[axis][s] = p - float(floor);
    }
  for (int s = 0; s < count; ++s) {
    const float x1 = c.fraction[0][s], y1 = c.fraction[1][s], z1 = c.fraction[2][s];
    const float x0 = 1 - x1, y0 = 1 - y1, z0 = 1 - z1;
    const float y0z0 = y0 * z0, y1z0 = y1 * z0, y0z1 = y0 * z1, y1z1 = y1 * z1;
    c.weight[0][s] = x0 * y0z0, c.weight[1][s] = x1 * y0z0, c.weight[2][s] = x0 * y1z0, c.weight[3][s] = x1 * y1z0;
    c.weight[4][s] = x0 * y0z1, c.weight[5][s] = x1 * y0z1, c.weight[6][s] = x0 * y1z1, c.weight[7][s] = x1 * y1z1;
  }
  if (level.dense)
    find_entries<true, F>(level, cell, count, c);
  else
    find_entries<false, F>(level, cell, count, c);
}

inline void prefetch(const float* entries, const Corners& c, int sample) {
  for (int k = 0; k < 8; ++k) __builtin_prefetch(entries + c.entry[k][sample], 1);
}

inline int block_size(int64_t begin, int64_t end) { return end - begin < kBlock ? int(end - begin) : kBlock; }

template <int F>
void forward_level(const HashGrid& grid, int l, const float* positions, int64_t begin, int64_t end,
                   const float* table, float* encoded) {
  const Level level = level_of(grid, l);
  const float* entries = table + grid.offsets[l] * F;
  const int width = grid.levels * F;
  Corners c;
  for (int64_t at = begin; at < end; at += kBlock) {
    const int count = block_size(at, end);
    find_corners<F>(level, positions + 3 * at, count, c);
    for (int s = 0; s < count; ++s) {
      if (s + kAhead < count) prefetch(entries, c, s + kAhead);
      Vector<F> value = c.weight[0][s] * load<F>(entries + c.entry[0][s]);
      for (int k = 1; k < 8; ++k) value += c.weight[k][s] * load<F>(entries + c.entry[k][s]);
      store<F>(encoded + (at + s) * width + l * F, value);
    }
  }
}

template <int F>
void forward(const HashGrid& grid, const float* positions, int64_t n, const float* table, float* encoded) {
  constexpr int64_t kChunk = 4096;  // samples whose encodings stay in the cache while the levels are filled in
  share_ranges(n, kChunk, [&](int64_t begin, int64_t end) {
    for (int l = 0; l < grid.levels; ++l) forward_level<F>(grid, l, positions, begin, end, table, encoded);
  });
}

template <int F>
inline bool is_zero(Vector<F> v) {
  if constexpr (F == 1) {
    return v == 0;
  } else {
    for (int f = 0; f < F; ++f)
      if (v[f] != 0) return false;
    return true;
  }
}

// A part of a level's entries, which one task adds to and no other: so the sums need no atomics, and come out the same
// however many parts there are.
struct Slice {
  uint32_t from, size;  // in floats
};

// What belongs to another slice is added to a row that nobody reads: a branch would be guessed wrong half of the time.
template <int F, bool kWhole>
void add_to_slice(const HashGrid& grid, int l, Slice slice, const float* positions, int64_t n, const float* grad_encoded,
                  float* entries) {
  const Level level = level_of(grid, l);
  const int width = grid.levels * F;
  alignas(64) float elsewhere[8][F] = {};
  Corners c;
  for (int64_t at = 0; at < n; at += kBlock) {
    const int count = block_size(at, n);
    find_corners<F>(level, positions + 3 * at, count, c);
    for (int s = 0; s < count; ++s) {
      if (s + kAhead < count) prefetch(entries, c, s + kAhead);
      const Vector<F> grad = load<F>(grad_encoded + (at + s) * width + l * F);
      if (is_zero<F>(grad)) continue;  // samples behind a surface: most of them in a trained scene
      for (int k = 0; k < 8; ++k) {
        const bool own = kWhole || c.entry[k][s] - slice.from < slice.size;
        float* entry = own ? entries + c.entry[k][s] : elsewhere[k];
        store<F>(entry, load<F>(entry) + c.weight[k][s] * grad);
      }
    }
  }
}

template <int F>
void backward_table(const HashGrid& grid, const float* positions, int64_t n, const float* grad_encoded,
                    float* grad_table) {
  // Every slice looks at all samples: no more of them than are needed to keep all threads busy.
  const int64_t slices = threads() <= grid.levels / 2 ? 1 : (2 * threads() + grid.levels - 1) / grid.levels;
  share(grid.levels * slices, [&](int64_t task) {
    const int l = grid.levels - 1 - int(task / slices);  // the finest levels take longest
    const int64_t part = task % slices, count = grid.offsets[l + 1] - grid.offsets[l];
    const int64_t from = count * part / slices, to = count * (part + 1) / slices;
    const Slice slice{uint32_t(from * F), uint32_t((to - from) * F)};
    float* entries = grad_table + grid.offsets[l] * F;
    if (slices == 1)
      add_to_slice<F, true>(grid, l, slice, positions, n, grad_encoded, entries);
    else
      add_to_slice<F, false>(grid, l, slice, positions, n, grad_encoded, entries);
  });
}

template <int F>
inline float dot(Vector<F> a, Vector<F> b) {
  if constexpr (F == 1) {
    return a * b;
  } else {
    const Vector<F> product = a * b;
    float sum = 0;
    for (int f = 0; f < F; ++f) sum += product[f];
    return sum;
  }
}

template <int F>
void backward_positions(const HashGrid& grid, const float* positions, int64_t n, const float* table,
                        const float* grad_encoded, float* grad_positions) {
  share_ranges(n, kBlock, [&](int64_t at, int64_t end) {
    const int count = int(end - at), width = grid.levels * F;
    Corners c;
    for (int s = 0; s < 3 * count; ++s) grad_positions[3 * at + s] = 0;
    for (int l = 0; l < grid.levels; ++l) {
      const Level level = level_of(grid, l);
      const float* entries = table + grid.offsets[l] * F;
      find_corners<F>(level, positions + 3 * at, count, c);
      for (int s = 0; s < count; ++s) {
        const Vector<F> grad = load<F>(grad_encoded + (at + s) * width + l * F);
        float sum[3] = {0, 0, 0};
        for (int k = 0; k < 8; ++k) {
          const float value = dot<F>(grad, load<F>(entries + c.entry[k][s]));
          for (int axis = 0; axis < 3; ++axis) {
            float slope = k >> axis & 1 ? value : -value;  // d weight / d fraction on this axis
            for (int other = 0; other < 3; ++other)
              if (other != axis) slope *= k >> other & 1 ? c.fraction[other][s] : 1 - c.fraction[other][s];
            sum[axis] += slope;
          }
        }
        for (int axis = 0; axis < 3; ++axis) {
          const float x = positions[3 * (at + s) + axis];
          if (x >= 0 && x <= 1) grad_positions[3 * (at + s) + axis] += sum[axis] * level.scale;
        }
      }
    }
  });
}

}  // namespace

#define FOR_FEATURES(function, ...)              \
  switch (grid.features) {                       \
    case 1: return function<1>(__VA_ARGS__);     \
    case 2: return function<2>(__VA_ARGS__);     \
    case 4: return function<4>(__VA_ARGS__);     \
    case 8: return function<8>(__VA_ARGS__);     \
  }

void hash_grid_forward(const HashGrid& grid, const float* positions, int64_t n, const float* table, float* encoded) {
  FOR_FEATURES(forward, grid, positions, n, table, encoded)
}

void hash_grid_backward_table(const HashGrid& grid, const float* positions, int64_t n, const float* grad_encoded,
                              float* grad_table) {
  FOR_FEATURES(backward_table, grid, positions, n, grad_encoded, grad_table)
}

void hash_grid_backward_positions(const HashGrid& grid, const float* positions, int64_t n, const float* table,
                                  const float* grad_encoded, float* grad_positions) {
  FOR_FEATURES(backward_positions, grid, positions, n, table, grad_encoded, grad_positions)
}

}  // namespace OMNIFIELD_ISA
