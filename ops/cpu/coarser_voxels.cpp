// From the voxels of a level to those of the next coarser one, and their gradients back.
#include "linear.h"
#include "pool.h"
#include "kernels.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kSide = 8, kRows = 512, kHalf = kSide / 2;

// Calls visit(row of the coarse block, first of the eight rows of the fine block that it covers) for the coarse voxels
// within an octant of their block.
template <typename Visit>
inline void over_octant(int64_t slot, const Visit& visit) {
  const int64_t block = slot / 8 * kRows, octant = slot % 8;
  const int64_t corner = kHalf * (octant % 2 + kSide * (octant / 2 % 2 + kSide * (octant / 4)));
  for (int z = 0; z < kHalf; ++z)
    for (int y = 0; y < kHalf; ++y)
      for (int x = 0; x < kHalf; ++x)
        visit(block + corner + x + kSide * (y + kSide * z), 2 * (x + kSide * (y + kSide * z)));
}

constexpr int kCovered[8] = {0, 1, 8, 9, 64, 65, 72, 73};  // rows from the first

}  // namespace

// Every octant of a coarse block belongs to at most one fine block: no two threads write to the same row.
void coarser_voxels_forward(const VoxelParents& level, int channels, const float* fine, float* coarse) {
  share(level.blocks, [&](int64_t block) {
    const float* from = fine + block * kRows * channels;
    over_octant(level.slots[block], [&](int64_t row, int64_t first) {
      over_channels<0>(channels, [&]<int N>(int at) {
        Vector<N> sum{};
        for (const int covered : kCovered) sum += load<N>(from + (first + covered) * channels + at);
        store<N>(coarse + row * channels + at, sum / 8);
      });
    });
  });
}

void coarser_voxels_backward(const VoxelParents& level, int channels, const float* grad_coarse, float* grad_fine) {
  share(level.blocks, [&](int64_t block) {
    float* to = grad_fine + block * kRows * channels;
    over_octant(level.slots[block], [&](int64_t row, int64_t first) {
      const float* grad = grad_coarse + row * channels;
      if (is_zero(grad, channels)) return;  // most voxels, at most steps
      over_channels<0>(channels, [&]<int N>(int at) {
        const Vector<N> share = load<N>(grad + at) / 8;
        for (const int covered : kCovered) {
          float* sum = to + (first + covered) * channels + at;
          store<N>(sum, load<N>(sum) + share);
        }
      });
    });
  });
}

}  // namespace OMNIFIELD_ISA
