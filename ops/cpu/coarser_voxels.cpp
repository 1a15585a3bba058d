// From the voxels of a level to those of the next coarser one, and their gradients back.
#include "cells.h"
#include "kernels.h"
#include "linear.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kHalf = kVoxelSide / 2;

// Calls visit(row of the coarse block, first of the eight rows of the fine block that it covers) for the coarse voxels
// within an octant of their block.
template <typename Visit>
inline void over_octant(int64_t slot, const Visit& visit) {
  const int64_t block = slot / 8 * kVoxelRows, octant = slot % 8;
  const int64_t corner = kHalf * cell_number(octant % 2, octant / 2 % 2, octant / 4, kVoxelSide);
  for (int z = 0; z < kHalf; ++z)
    for (int y = 0; y < kHalf; ++y)
      for (int x = 0; x < kHalf; ++x)
        visit(block + corner + cell_number(x, y, z, kVoxelSide), 2 * cell_number(x, y, z, kVoxelSide));
}

}  // namespace

// Every octant of a coarse block belongs to at most one fine block: no two threads write to the same row.
void coarser_voxels_forward(const VoxelParents& level, int channels, const float* fine, float* coarse) {
  share(level.blocks, [&](int64_t block) {
    const float* from = fine + block * kVoxelRows * channels;
    over_octant(level.slots[block], [&](int64_t row, int64_t first) {
      over_channels<0>(channels, [&]<int N>(int at) {
        Vector<N> sum{};
        for (const int covered : kRowsOfCube) sum += load<N>(from + (first + covered) * channels + at);
        store<N>(coarse + row * channels + at, sum / 8);
      });
    });
  });
}

void coarser_voxels_backward(const VoxelParents& level, int channels, const float* grad_coarse, float* grad_fine) {
  share(level.blocks, [&](int64_t block) {
    float* to = grad_fine + block * kVoxelRows * channels;
    over_octant(level.slots[block], [&](int64_t row, int64_t first) {
      const float* grad = grad_coarse + row * channels;
      if (is_zero(grad, channels)) return;  // most voxels, at most steps
      over_channels<0>(channels, [&]<int N>(int at) {
        const Vector<N> share = load<N>(grad + at) / 8;
        for (const int covered : kRowsOfCube) {
          float* sum = to + (first + covered) * channels + at;
          store<N>(sum, load<N>(sum) + share);
        }
      });
    });
  });
}

}  // namespace OMNIFIELD_ISA
