// Dense grids over some of the axes, grid by grid over blocks of samples.
#include "buffer.h"
#include "kernels.h"
#include "linear.h"
#include "lists.h"

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
void add_to_slab(const DenseGrids& all, const Slab& slab, const float* positions, const int32_t* samples, int count,
                 const float* grad_found, float* grad_table) {
  const DenseGrid& grid = *slab.grid;
  const int channels = C ? C : all.channels;
  float* rows = grad_table + grid.first_row * channels;
  Corners<D> c;
  find_corners<D>(grid, channels, positions, count, [samples](int s) { return int64_t(samples[s]); }, c);
  for (int s = 0; s < count; ++s) {
    if (s + kAhead < count) prefetch<D>(rows, channels, c, s + kAhead);
    if (s + 2 * kAhead < count)
      for (int at = 0; at < channels; at += 16)
        __builtin_prefetch(grad_found + int64_t(samples[s + 2 * kAhead]) * all.width + grid.slot * channels + at);
    const float* grad = grad_found + int64_t(samples[s]) * all.width + grid.slot * channels;
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

// Where the nodes of each grid are cut along its last axis, so that every slab gets about as many samples.
class Cuts {
 public:
  Cuts(const DenseGrids& all, int slabs, const float* positions, int64_t n)
      : all_(all), slabs_(slabs), first_(all.count * (slabs + 1)), begin_(all.count + 1), slab_of_(all_nodes(all)) {
    for (int g = 0; g < all.count; ++g) {
      begin_.data[g + 1] = begin_.data[g] + nodes(all.grids[g]);
      cut(g, positions, n);
    }
  }
  Slab slab(int g, int slab) const {
    const int64_t* first = first_.data + g * (slabs_ + 1) + slab;
    return {&all_.grids[g], first[0], first[1]};
  }
  void find(int g, const float* positions, int64_t begin, int64_t end, Touched* touched) const {
    const DenseGrid& grid = all_.grids[g];
    const float* x = positions + grid.axes[grid.dimensions - 1];
    const int16_t* slab_of = slab_of_.data + begin_.data[g];
    float unused;
    for (int64_t s = begin; s < end; ++s) {
      const uint32_t cell = cell_of(x[3 * s], int32_t(nodes(grid)), unused);
      touched[s - begin] = {slab_of[cell], slab_of[cell + 1]};
    }
  }

 private:
  static int64_t nodes(const DenseGrid& grid) { return grid.shape[grid.dimensions - 1]; }
  static int64_t all_nodes(const DenseGrids& all) {
    int64_t sum = 0;
    for (int g = 0; g < all.count; ++g) sum += nodes(all.grids[g]);
    return sum;
  }
  void cut(int g, const float* positions, int64_t n) {
    constexpr int64_t kEvery = 16;  // a guess is enough
    const DenseGrid& grid = all_.grids[g];
    const float* x = positions + grid.axes[grid.dimensions - 1];
    const Buffer<int64_t> samples(nodes(grid));
    int64_t total = 0, before = 0, node = 0;
    float unused;
    for (int64_t s = 0; s < n; s += kEvery, ++total) ++samples.data[cell_of(x[3 * s], int32_t(nodes(grid)), unused)];
    int64_t* first = first_.data + g * (slabs_ + 1);
    for (int slab = 0; slab < slabs_; ++slab) {
      first[slab] = node;
      const bool last = slab + 1 == slabs_;
      for (; node < nodes(grid) && (last || before * slabs_ < total * (slab + 1)); ++node) {
        slab_of_.data[begin_.data[g] + node] = int16_t(slab);
        before += samples.data[node];
      }
    }
    first[slabs_] = node;
  }

  const DenseGrids& all_;
  int slabs_;
  Buffer<int64_t> first_, begin_;  // node of each slab of each grid, and one more; and where each grid's nodes begin
  Buffer<int16_t> slab_of_;        // each node of each grid
};

template <int D, int C>
void backward_slab(const DenseGrids& all, const Slab& slab, const float* positions, const int32_t* samples, int64_t n,
                   const float* grad_found, float* grad_table) {
  for (int64_t at = 0; at < n; at += kBlock)
    add_to_slab<D, C>(all, slab, positions, samples + at, block_size(at, n), grad_found, grad_table);
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
  const int slabs = threads() == 1 ? 1 : 2 * threads() < Lists::kMostParts ? 2 * threads() : Lists::kMostParts;
  const Cuts cuts(all, slabs, positions, n);
  const Lists lists(n, all.count, slabs, [&](int g, int64_t begin, int64_t end, Touched* touched) {
    cuts.find(g, positions, begin, end, touched);
  });
  share(all.count * slabs, [&](int64_t task) {
    const int g = int(task / slabs), part = int(task % slabs);
    const Slab slab = cuts.slab(g, part);
    const int32_t* samples = lists.of(g, part);
    FOR_GRID(backward_slab, *slab.grid, all.channels, all, slab, positions, samples, lists.count(g, part), grad_found,
             grad_table)
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
