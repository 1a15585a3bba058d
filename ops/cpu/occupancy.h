// What a march knows about its bitfield: how far it is to anything, and the box outside of which nothing is.
#pragma once
#include <cstdlib>
#include <utility>

#include "kernels.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = kCellsOfBlock;
constexpr int kFarthest = 7;  // blocks; what is farther counts as that far

inline int is_occupied(const Occupancy& o, int cell) { return o.bits[cell >> 3] >> (cell & 7) & 1; }

// Of each block whether anything is in it.
void mark_blocks(const Occupancy& o, int resolution, uint8_t* any) {
  const int bytes = resolution / 8;  // of a row along x: two blocks to a byte
  for (int z = 0; z < o.blocks; ++z)
    for (int y = 0; y < o.blocks; ++y) {
      const uint8_t* rows = o.bits + (int64_t(z) * resolution + y) * kBlock * bytes;
      uint8_t* to = any + (int64_t(z) * o.blocks + y) * o.blocks;
      for (int x = 0; x < bytes; ++x) {
        uint8_t of_all = 0;
        for (int row = 0; row < kBlock * kBlock; ++row)
          of_all |= rows[(row / kBlock * resolution + row % kBlock) * bytes + x];
        to[2 * x] = (of_all & 15) != 0, to[2 * x + 1] = of_all >> 4 != 0;
      }
    }
}

void find_box(const RayMarch& m, const uint8_t* any, Occupancy& o) {
  int low[3] = {o.blocks, o.blocks, o.blocks}, high[3] = {};
  for (int z = 0, i = 0; z < o.blocks; ++z)
    for (int y = 0; y < o.blocks; ++y)
      for (int x = 0; x < o.blocks; ++x, ++i) {
        if (!any[i]) continue;
        const int block[3] = {x, y, z};
        for (int axis = 0; axis < 3; ++axis) {
          low[axis] = block[axis] < low[axis] ? block[axis] : low[axis];
          high[axis] = block[axis] >= high[axis] ? block[axis] + 1 : high[axis];
        }
      }
  constexpr float kMargin = 1e-2f;  // blocks: more than rounding could move a candidate by
  for (int axis = 0; axis < 3; ++axis) {
    const float side = (m.hi[axis] - m.lo[axis]) / float(o.blocks);
    o.lo[axis] = m.lo[axis] + side * (float(low[axis]) - kMargin);
    o.hi[axis] = m.lo[axis] + side * (float(high[axis]) + kMargin);
  }
}

// Also marks what is beside something along the axis of this stride. Around the grid's edge it marks a few too many.
void spread(const uint8_t* __restrict from, uint8_t* __restrict to, int64_t stride, int64_t count) {
  for (int64_t i = 0; i < stride; ++i) to[i] = from[i] | from[i + stride];
  for (int64_t i = stride; i < count - stride; ++i) to[i] = from[i] | from[i - stride] | from[i + stride];
  for (int64_t i = count - stride; i < count; ++i) to[i] = from[i] | from[i - stride];
}

// How far each block of 4³ cells is from the next one that is not empty, in blocks (Chebyshev), and the box of those.
void look(const RayMarch& m, Occupancy& o) {
  const int64_t count = int64_t(o.blocks) * o.blocks * o.blocks;
  uint8_t* near = static_cast<uint8_t*>(std::malloc(2 * count));  // within how many blocks there is something
  uint8_t* wider = near + count;
  uint8_t* const both = near;
  mark_blocks(o, m.resolution, near);
  find_box(m, near, o);
  for (int64_t i = 0; i < count; ++i) o.distance[i] = 0;
  for (int reach = 0; reach < kFarthest; ++reach) {
    for (int64_t i = 0; i < count; ++i) o.distance[i] += !near[i];
    for (int64_t stride = 1; stride < count; stride *= o.blocks, std::swap(near, wider)) spread(near, wider, stride, count);
  }
  std::free(both);
}

}  // namespace
}  // namespace OMNIFIELD_ISA
