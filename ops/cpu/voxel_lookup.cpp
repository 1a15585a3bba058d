// Sparse voxels in blocks of 8^3 on the levels of a pyramid.
#include <limits>

#include "lists.h"
#include "voxel_corners.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kParts = 16;  // of the blocks, whose gradients are summed on their own

template <int C>
void forward_taps(const VoxelBlocks& voxels, const float* positions, const Taps& taps, bool adds,
                  const VoxelRows<const float>& values, float* found) {
  const int channels = C ? C : voxels.channels;
  Corners c;
  find_corners(voxels, positions, taps, c);
  for (int s = 0; s < taps.count; ++s) {
    if (s + kAhead < taps.count) prefetch(values, channels, taps, c, s + kAhead);
    const int32_t* row = c.row[s];
    const float* level = values.of(taps.level[s]);
    const int64_t first = values.first(taps.level[s]);
    float* out = found + taps.sample[s] * channels;
    over_channels<C>(channels, [&]<int N>(int from) {
      Vector<N> value = adds ? load<N>(out + from) : Vector<N>{};
      if (c.state[s] == kComplete) {
        for (int k = 0; k < 8; ++k) value += c.weight[k][s] * load<N>(level + (row[k] - first) * channels + from);
      } else if (c.state[s] == kPartial) {
        for (int k = 0; k < 8; ++k)
          if (row[k] >= 0) value += c.weight[k][s] * load<N>(level + (row[k] - first) * channels + from);
      }
      store<N>(out + from, value);
    });
  }
}

template <int C>
void forward(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
             const VoxelRows<const float>& values, float* found) {
  share_ranges(n, kBlock, [&](int64_t at, int64_t end) {
    Taps fine, coarse;
    for (int64_t s = at; s < end; ++s) {
      const Share share = share_of(level[s], voxels.levels);
      fine.add(s, share.level, 1 - share.above);
      coarse.add(s, share.level + 1, share.above, share.above > 0);
    }
    forward_taps<C>(voxels, positions, fine, false, values, found);
    if (coarse.count) forward_taps<C>(voxels, positions, coarse, true, values, found);
  });
}

// The numbers of the blocks that a tap touches lie between these; low > high where it touches none.
struct Reach {
  int32_t low = std::numeric_limits<int32_t>::max(), high = -1;
};

// What every tap of every sample touches: `per_sample` in a row, the finer level first.
void find_reaches(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
                  const float* grad_found, int per_sample, Reach* reaches) {
  share_ranges(n, kBlock, [&](int64_t at, int64_t end) {
    for (int64_t i = at * per_sample; i < end * per_sample; ++i) reaches[i] = Reach{};
    for (int coarser = 0; coarser < per_sample; ++coarser) {
      Taps taps;
      Corners c;
      for (int64_t s = at; s < end; ++s) {
        const Share share = share_of(level[s], voxels.levels);
        const bool counts = (!coarser || share.above > 0) && !is_zero(grad_found + s * voxels.channels, voxels.channels);
        taps.add(s, share.level + coarser, 1, counts);
      }
      find_corners(voxels, positions, taps, c);
      for (int t = 0; t < taps.count; ++t) {
        Reach reach;
        for (int k = 0; k < 8 && c.state[t] != kEmpty; ++k) {
          const int32_t number = c.row[t][k] / kVoxelRows;
          if (c.row[t][k] < 0) continue;
          reach.low = number < reach.low ? number : reach.low;
          reach.high = number > reach.high ? number : reach.high;
        }
        reaches[taps.sample[t] * per_sample + coarser] = reach;
      }
    }
  });
}

// Cuts the blocks into kParts ranges, so that each has about as many taps.
void cut(const Reach* reaches, int64_t count, int64_t blocks, int32_t* cuts, int16_t* part_of) {
  constexpr int64_t kEvery = 15;  // a guess is enough; odd, to see the taps of both levels
  const Buffer<int64_t> taps(blocks);
  int64_t total = 0, before = 0;
  for (int64_t i = 0; i < count; i += kEvery)
    if (reaches[i].high >= 0) ++taps.data[reaches[i].low], ++total;
  int32_t block = 0;
  for (int part = 0; part < kParts; ++part) {
    cuts[part] = block;
    const bool last = part + 1 == kParts;
    for (; block < blocks && (last || before * kParts < total * (part + 1)); ++block) {
      part_of[block] = int16_t(part);
      before += taps.data[block];
    }
  }
  cuts[kParts] = block;
}

// Adds to those rows that lie in the blocks from..to, which no other thread writes to. Every row sums its taps in the
// order of the samples, so that the cuts do not show in the result.
template <int C>
void add_taps(const VoxelBlocks& voxels, const float* positions, const Taps& taps, int32_t from, int32_t to,
              const float* grad_found, const VoxelRows<float>& grad_values) {
  const int channels = C ? C : voxels.channels;
  const int32_t begin = from * kVoxelRows;
  const uint32_t rows = uint32_t(to - from) * kVoxelRows;
  Corners c;
  find_corners(voxels, positions, taps, c);
  for (int s = 0; s < taps.count; ++s) {
    if (s + kAhead < taps.count) prefetch(grad_values, channels, taps, c, s + kAhead);
    const int32_t* row = c.row[s];
    float* level = grad_values.of(taps.level[s]);
    const int64_t first = grad_values.first(taps.level[s]);
    const float* grad = grad_found + taps.sample[s] * channels;
    for (int k = 0; k < 8; ++k) {
      if (uint32_t(row[k]) - uint32_t(begin) >= rows) continue;  // no such voxel, or another thread's
      float* sum = level + (row[k] - first) * channels;
      over_channels<C>(channels, [&]<int N>(int at) {
        store<N>(sum + at, load<N>(sum + at) + c.weight[k][s] * load<N>(grad + at));
      });
    }
  }
}

template <int C>
void backward_part(const VoxelBlocks& voxels, const float* positions, const float* level, const Lists& taps_of, int part,
                   const int32_t* cuts, int per_sample, const float* grad_found, const VoxelRows<float>& grad_values) {
  Taps taps;
  const int32_t* list = taps_of.of(0, part);
  for (int64_t i = 0, count = taps_of.count(0, part); i < count; ++i) {
    const int64_t s = list[i] / per_sample;
    const int coarser = list[i] % per_sample;
    const Share share = share_of(level[s], voxels.levels);
    taps.add(s, share.level + coarser, coarser ? share.above : 1 - share.above);
    if (taps.count < kBlock) continue;
    add_taps<C>(voxels, positions, taps, cuts[part], cuts[part + 1], grad_found, grad_values);
    taps.count = 0;
  }
  add_taps<C>(voxels, positions, taps, cuts[part], cuts[part + 1], grad_found, grad_values);
}

template <int C>
void backward_values(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
                     const float* grad_found, const VoxelRows<float>& grad_values) {
  if (!n || !grad_values.rows) return;
  const int per_sample = voxels.levels > 1 ? 2 : 1;
  const Buffer<Reach> reaches(n * per_sample);
  find_reaches(voxels, positions, level, n, grad_found, per_sample, reaches.data);
  const int64_t blocks = grad_values.rows / kVoxelRows;
  const Buffer<int32_t> cuts(kParts + 1);
  const Buffer<int16_t> part_of(blocks);
  cut(reaches.data, n * per_sample, blocks, cuts.data, part_of.data);
  const Lists lists(n * per_sample, 1, kParts, [&](int, int64_t begin, int64_t end, Touched* touched) {
    for (int64_t i = begin; i < end; ++i) {
      const Reach& reach = reaches.data[i];
      touched[i - begin] = reach.high < 0 ? Touched{0, -1} : Touched{part_of.data[reach.low], part_of.data[reach.high]};
    }
  });
  share(kParts, [&](int64_t part) {
    backward_part<C>(voxels, positions, level, lists, int(part), cuts.data, per_sample, grad_found, grad_values);
  });
}

template <int C>
void backward_taps(const VoxelBlocks& voxels, const float* positions, const Taps& taps,
                   const VoxelRows<const float>& values, const float* grad_found, float* grad_positions) {
  const int channels = C ? C : voxels.channels;
  Corners c;
  find_corners(voxels, positions, taps, c);
  for (int s = 0; s < taps.count; ++s) {
    if (c.state[s] == kEmpty) continue;
    const int32_t* row = c.row[s];
    const float* level = values.of(taps.level[s]);
    const int64_t first = values.first(taps.level[s]);
    const float* grad = grad_found + taps.sample[s] * channels;
    const float fraction[3] = {c.fraction[0][s], c.fraction[1][s], c.fraction[2][s]};
    float sum[3] = {0, 0, 0};
    over_channels<C>(channels, [&]<int N>(int from) {
      Vector<N> corner[8];
      for (int k = 0; k < 8; ++k)
        corner[k] = row[k] < 0 ? Vector<N>{} : load<N>(level + (row[k] - first) * channels + from);
      const Vector<N> g = load<N>(grad + from);
      for (int axis = 0; axis < 3; ++axis) sum[axis] += sum_of<N>(g * slope<3, Vector<N>>(axis, corner, fraction));
    });
    const float scale = taps.share[s] * float(voxels.resolutions[taps.level[s]]);
    for (int axis = 0; axis < 3; ++axis) {
      const float x = positions[3 * taps.sample[s] + axis];
      if (x >= 0 && x <= 1) grad_positions[3 * taps.sample[s] + axis] += sum[axis] * scale;
    }
  }
}

template <int C>
void backward_positions(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
                        const VoxelRows<const float>& values, const float* grad_found, float* grad_positions) {
  share_ranges(n, kBlock, [&](int64_t at, int64_t end) {
    Taps fine, coarse;
    for (int64_t s = at; s < end; ++s) {
      const Share share = share_of(level[s], voxels.levels);
      fine.add(s, share.level, 1 - share.above);
      coarse.add(s, share.level + 1, share.above, share.above > 0);
      for (int axis = 0; axis < 3; ++axis) grad_positions[3 * s + axis] = 0;
    }
    backward_taps<C>(voxels, positions, fine, values, grad_found, grad_positions);
    backward_taps<C>(voxels, positions, coarse, values, grad_found, grad_positions);
  });
}

}  // namespace

#define FOR_CHANNELS(function, ...)                  \
  switch (voxels.channels) {                         \
    case 1: return function<1>(__VA_ARGS__);         \
    case 7: return function<7>(__VA_ARGS__);         \
    case 8: return function<8>(__VA_ARGS__);         \
    case 28: return function<28>(__VA_ARGS__);       \
    default: return function<0>(__VA_ARGS__);        \
  }

void voxel_lookup_range(const int32_t* index, int64_t entries, int32_t none, int32_t* low, int32_t* high) {
  int32_t least = none, most = -1;
  for (int64_t i = 0; i < entries; ++i) {
    const int32_t number = index[i] == -1 ? none : index[i];
    least = number < least ? number : least;
    most = index[i] > most ? index[i] : most;
  }
  *low = least, *high = most;
}

void voxel_lookup_forward(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
                          const VoxelRows<const float>& values, float* found) {
  FOR_CHANNELS(forward, voxels, positions, level, n, values, found)
}

void voxel_lookup_backward_values(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
                                  const float* grad_found, const VoxelRows<float>& grad_values) {
  FOR_CHANNELS(backward_values, voxels, positions, level, n, grad_found, grad_values)
}

void voxel_lookup_backward_positions(const VoxelBlocks& voxels, const float* positions, const float* level, int64_t n,
                                     const VoxelRows<const float>& values, const float* grad_found, float* grad_positions) {
  FOR_CHANNELS(backward_positions, voxels, positions, level, n, values, grad_found, grad_positions)
}

}  // namespace OMNIFIELD_ISA
