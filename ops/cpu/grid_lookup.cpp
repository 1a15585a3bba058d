// Dense grids over some of the axes, grid by grid over blocks of samples.
#include <vector>

#include "buffer.h"
#include "kernels.h"
#include "linear.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 128;  // samples whose corners are computed at once
constexpr int kAhead = 8;    // samples between asking memory for a row and using it

// The 2^D nodes around each sample of a block, and their weights. Bit d of a corner is its place along the grid's d-th
// axis, so that the corners of the upper half lie one node further along its last.
template <int D>
struct Corners {
  alignas(64) uint32_t node[1 << D][kBlock];  // times the channels: an index of floats
  alignas(64) float weight[1 << D][kBlock];
  alignas(64) float fraction[D][kBlock];
  alignas(64) uint32_t cell[kBlock];  // along the last axis
};

inline uint32_t cell_of(float x, int32_t nodes, float& fraction) {
  const float p = clamp01(x) * float(nodes - 1);
  const int32_t floor = int32_t(p), last = nodes - 2;
  const int32_t cell = floor < last ? floor : last;  // the last node belongs to the last cell
  fraction = p - float(cell);
  return uint32_t(cell);
}

// `sample(s)` is the number of the s-th sample of the block.
template <int D, typename Sample>
void find_corners(const DenseGrid& grid, int channels, const float* positions, int count, Sample sample,
                  Corners<D>& c) {
  alignas(64) uint32_t first[kBlock] = {};
  alignas(64) float x[kBlock];
  uint32_t stride = uint32_t(channels), strides[D];
  for (int d = 0; d < D; ++d) {
    const float* coordinate = positions + grid.axes[d];
    const int32_t nodes = int32_t(grid.shape[d]);
    for (int s = 0; s < count; ++s) x[s] = coordinate[3 * sample(s)];
    for (int s = 0; s < count; ++s) c.cell[s] = cell_of(x[s], nodes, c.fraction[d][s]);
    for (int s = 0; s < count; ++s) first[s] += c.cell[s] * stride;
    strides[d] = stride;
    stride *= uint32_t(grid.shape[d]);
  }
  for (int k = 0; k < 1 << D; ++k) {
    uint32_t step = 0;
    for (int d = 0; d < D; ++d) step += k >> d & 1 ? strides[d] : 0;
    for (int s = 0; s < count; ++s) c.node[k][s] = first[s] + step;
  }
  find_weights<D>(c.fraction, count, c.weight);
}

template <int D>
inline void prefetch(const float* rows, int channels, const Corners<D>& c, int s) {
  if constexpr (D == 1) return;  // a line is small enough to stay where it is
  for (int k = 0; k < 1 << D; ++k)
    for (int at = 0; at < channels; at += 16) __builtin_prefetch(rows + c.node[k][s] + at, 1);
}

inline int block_size(int64_t begin, int64_t end) { return end - begin < kBlock ? int(end - begin) : kBlock; }

template <int D, int C>
void forward_grid(const DenseGrids& all, const DenseGrid& grid, const float* positions, int64_t begin, int64_t end,
                  const float* table, float* found) {
  const int channels = C ? C : all.channels;
  const float* rows = table + grid.first_row * channels;
  Corners<D> c;
  for (int64_t at = begin; at < end; at += kBlock) {
    const int count = block_size(at, end);
    find_corners<D>(grid, channels, positions, count, [at](int s) { return at + s; }, c);
    for (int s = 0; s < count; ++s) {
      if (s + kAhead < count) prefetch<D>(rows, channels, c, s + kAhead);
      float* out = found + (at + s) * all.width + grid.slot * channels;
      over_channels<C>(channels, [&]<int N>(int from) {
        Vector<N> value = c.weight[0][s] * load<N>(rows + c.node[0][s] + from);
        for (int k = 1; k < 1 << D; ++k) value += c.weight[k][s] * load<N>(rows + c.node[k][s] + from);
        store<N>(out + from, grid.adds ? load<N>(out + from) + value : value);
      });
    }
  }
}

// What one task of the table's gradient owns: the nodes `from` to `to` along the last axis of a grid, whose rows no
// other task writes to. Every row sums its samples in their order, so that the cuts do not show in the result.
struct Slab {
  const DenseGrid* grid;
  int64_t from, to;
};

template <int D, int C>
void add_to_slab(const DenseGrids& all, const Slab& slab, const float* positions, const int64_t* samples, int count,
                 const float* grad_found, float* grad_table) {
  const DenseGrid& grid = *slab.grid;
  const int channels = C ? C : all.channels;
  float* rows = grad_table + grid.first_row * channels;
  Corners<D> c;
  find_corners<D>(grid, channels, positions, count, [samples](int s) { return samples[s]; }, c);
  for (int s = 0; s < count; ++s) {
    if (s + kAhead < count) prefetch<D>(rows, channels, c, s + kAhead);
    if (s + 2 * kAhead < count)
      for (int at = 0; at < channels; at += 16)
        __builtin_prefetch(grad_found + samples[s + 2 * kAhead] * all.width + grid.slot * channels + at);
    const float* grad = grad_found + samples[s] * all.width + grid.slot * channels;
    if (is_zero(grad, channels)) continue;
    const int64_t cell = c.cell[s];
    constexpr int half = 1 << (D - 1);
    for (int upper = 0; upper < 2; ++upper) {
      if (cell + upper < slab.from || cell + upper >= slab.to) continue;
      over_channels<C>(channels, [&]<int N>(int from) {
        const Vector<N> g = load<N>(grad + from);
        for (int k = upper * half; k < (upper + 1) * half; ++k) {
          float* row = rows + c.node[k][s] + from;
          store<N>(row, load<N>(row) + c.weight[k][s] * g);
        }
      });
    }
  }
}

template <int D, int C>
void backward_slab(const DenseGrids& all, const Slab& slab, const float* positions, int64_t n,
                   const float* grad_found, float* grad_table) {
  const int axis = slab.grid->axes[D - 1];
  const int32_t nodes = int32_t(slab.grid->shape[D - 1]), from = int32_t(slab.from), to = int32_t(slab.to);
  int64_t samples[kBlock];
  int count = 0;
  for (int64_t at = 0; at < n; at += kBlock) {
    alignas(64) uint32_t cell[kBlock];
    alignas(64) float unused[kBlock];
    const int block = block_size(at, n);
    for (int s = 0; s < block; ++s) cell[s] = cell_of(positions[3 * (at + s) + axis], nodes, unused[s]);
    for (int s = 0; s < block; ++s) {
      samples[count] = at + s;
      count += int32_t(cell[s]) + 1 >= from && int32_t(cell[s]) < to;
      if (count < kBlock) continue;
      add_to_slab<D, C>(all, slab, positions, samples, count, grad_found, grad_table);
      count = 0;
    }
  }
  add_to_slab<D, C>(all, slab, positions, samples, count, grad_found, grad_table);
}

// Cuts a grid so that every slab gets about as many samples.
void cut(const DenseGrid& grid, int parts, const float* positions, int64_t n, std::vector<Slab>& slabs) {
  constexpr int64_t kEvery = 16;  // a guess is enough
  const int64_t nodes = grid.shape[grid.dimensions - 1];
  const Buffer<int64_t> samples(nodes);
  int64_t total = 0;
  for (int64_t s = 0; s < n; s += kEvery, ++total) {
    float unused;
    ++samples.data[cell_of(positions[3 * s + grid.axes[grid.dimensions - 1]], int32_t(nodes), unused)];
  }
  int64_t from = 0, before = 0, node = 0;
  for (int part = 1; part <= parts; ++part) {
    for (; node < nodes && (part == parts || before * parts < total * part); ++node) before += samples.data[node];
    if (node > from) slabs.push_back({&grid, from, node});
    from = node;
  }
}

std::vector<Slab> slabs_of(const DenseGrids& all, const float* positions, int64_t n) {
  const int parts = 2 * threads();
  const bool enough = all.count >= 8 * threads();  // grids for all to be busy to the end
  std::vector<Slab> slabs;
  for (int g = all.count - 1; g >= 0; --g) cut(all.grids[g], enough ? 1 : parts, positions, n, slabs);
  return slabs;
}

template <int D, int C>
void backward_block(const DenseGrids& all, const DenseGrid& grid, const float* positions, int64_t at, int count,
                    const float* table, const float* grad_found, float* grad_positions) {
  const int channels = C ? C : all.channels;
  const float* rows = table + grid.first_row * channels;
  Corners<D> c;
  find_corners<D>(grid, channels, positions, count, [at](int s) { return at + s; }, c);
  for (int s = 0; s < count; ++s) {
    const float* grad = grad_found + (at + s) * all.width + grid.slot * channels;
    float fraction[D], sum[D] = {};
    for (int d = 0; d < D; ++d) fraction[d] = c.fraction[d][s];
    over_channels<C>(channels, [&]<int N>(int from) {
      Vector<N> corner[1 << D];
      for (int k = 0; k < 1 << D; ++k) corner[k] = load<N>(rows + c.node[k][s] + from);
      const Vector<N> g = load<N>(grad + from);
      for (int d = 0; d < D; ++d) sum[d] += sum_of<N>(g * slope<D, Vector<N>>(d, corner, fraction));
    });
    for (int d = 0; d < D; ++d) {
      const float x = positions[3 * (at + s) + grid.axes[d]];
      if (x >= 0 && x <= 1) grad_positions[3 * (at + s) + grid.axes[d]] += sum[d] * float(grid.shape[d] - 1);
    }
  }
}

}  // namespace

#define FOR_CHANNELS(function, D, channels, ...)           \
  switch (channels) {                                      \
    case 1: function<D, 1>(__VA_ARGS__); break;            \
    case 8: function<D, 8>(__VA_ARGS__); break;            \
    case 16: function<D, 16>(__VA_ARGS__); break;          \
    case 48: function<D, 48>(__VA_ARGS__); break;          \
    default: function<D, 0>(__VA_ARGS__);                  \
  }
#define FOR_GRID(function, grid, channels, ...)                                   \
  switch ((grid).dimensions) {                                                    \
    case 1: FOR_CHANNELS(function, 1, channels, __VA_ARGS__) break;               \
    case 2: FOR_CHANNELS(function, 2, channels, __VA_ARGS__) break;               \
    case 3: FOR_CHANNELS(function, 3, channels, __VA_ARGS__) break;               \
  }

void grid_lookup_forward(const DenseGrids& all, const float* positions, int64_t n, const float* table, float* found) {
  constexpr int64_t kChunk = 1024;  // samples whose values stay in the cache while the grids are filled in
  share_ranges(n, kChunk, [&](int64_t begin, int64_t end) {
    for (int g = 0; g < all.count; ++g) {
      const DenseGrid& grid = all.grids[g];
      FOR_GRID(forward_grid, grid, all.channels, all, grid, positions, begin, end, table, found)
    }
  });
}

void grid_lookup_backward_table(const DenseGrids& all, const float* positions, int64_t n, const float* grad_found,
                                float* grad_table) {
  const std::vector<Slab> slabs = slabs_of(all, positions, n);
  share(int64_t(slabs.size()), [&](int64_t i) {
    FOR_GRID(backward_slab, *slabs[i].grid, all.channels, all, slabs[i], positions, n, grad_found, grad_table)
  });
}

void grid_lookup_backward_positions(const DenseGrids& all, const float* positions, int64_t n, const float* table,
                                    const float* grad_found, float* grad_positions) {
  share_ranges(n, kBlock, [&](int64_t at, int64_t end) {
    const int count = int(end - at);
    for (int s = 0; s < 3 * count; ++s) grad_positions[3 * at + s] = 0;
    for (int g = 0; g < all.count; ++g) {
      const DenseGrid& grid = all.grids[g];
      FOR_GRID(backward_block, grid, all.channels, all, grid, positions, at, count, table, grad_found, grad_positions)
    }
  });
}

}  // namespace OMNIFIELD_ISA
