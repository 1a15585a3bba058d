// The bitfield of a march, what it knows about empty space, and the box outside of which nothing is.
#pragma once
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kBlock = 4;     // cells along a side of the blocks whose distance from anything is known
constexpr int kFarthest = 7;  // blocks; what is farther counts as that far

// How far each block of 4³ cells is from the next one that is not empty, in blocks (Chebyshev).
class Occupancy {
 public:
  int resolution, blocks;
  uint8_t* distance;   // 0: there is something in it
  float lo[3], hi[3];  // corners of the box, of the march's world; the whole one where nothing is occupied

  // A picture is marched through in many calls: what the last one knew is kept for as long as the bits are the same.
  static std::shared_ptr<const Occupancy> of(const RayMarch& m) {
    static std::mutex one_at_a_time;
    static std::shared_ptr<const Occupancy> last;
    const std::lock_guard lock(one_at_a_time);
    if (!last || !last->is_of(m)) last = std::make_shared<const Occupancy>(m);
    return last;
  }

  explicit Occupancy(const RayMarch& m)
      : resolution(m.resolution), blocks(m.resolution / kBlock), bits_(m.occupied, m.occupied + bytes_of(m)) {
    std::memcpy(grid_lo_, m.lo, sizeof grid_lo_), std::memcpy(grid_hi_, m.hi, sizeof grid_hi_);
    const int64_t count = int64_t(blocks) * blocks * blocks;
    uint8_t* near = static_cast<uint8_t*>(std::malloc(2 * count));  // within how many blocks there is something
    uint8_t* wider = near + count;
    uint8_t* const both = near;
    distance = static_cast<uint8_t*>(std::calloc(count, 1));
    mark_blocks(near);
    find_box(m, near);
    for (int reach = 0; reach < kFarthest; ++reach) {
      for (int64_t i = 0; i < count; ++i) distance[i] += !near[i];
      for (int64_t stride = 1; stride < count; stride *= blocks, std::swap(near, wider)) spread(near, wider, stride, count);
    }
    std::free(both);
  }
  ~Occupancy() { std::free(distance); }
  Occupancy(const Occupancy&) = delete;

  int cell(int i) const { return bits_[i >> 3] >> (i & 7) & 1; }

 private:
  static int64_t bytes_of(const RayMarch& m) { return int64_t(m.resolution) * m.resolution * m.resolution / 8; }

  bool is_of(const RayMarch& m) const {
    return resolution == m.resolution && !std::memcmp(grid_lo_, m.lo, sizeof grid_lo_) &&
           !std::memcmp(grid_hi_, m.hi, sizeof grid_hi_) && !std::memcmp(bits_.data(), m.occupied, bits_.size());
  }

  void mark_blocks(uint8_t* any) {
    const int bytes = resolution / 8;  // of a row along x: two blocks to a byte
    for (int z = 0; z < blocks; ++z)
      for (int y = 0; y < blocks; ++y) {
        const uint8_t* rows = bits_.data() + (int64_t(z) * resolution + y) * kBlock * bytes;
        uint8_t* to = any + (int64_t(z) * blocks + y) * blocks;
        for (int x = 0; x < bytes; ++x) {
          uint8_t of_all = 0;
          for (int row = 0; row < kBlock * kBlock; ++row)
            of_all |= rows[(row / kBlock * resolution + row % kBlock) * bytes + x];
          to[2 * x] = (of_all & 15) != 0, to[2 * x + 1] = of_all >> 4 != 0;
        }
      }
  }

  void find_box(const RayMarch& m, const uint8_t* any) {
    int low[3] = {blocks, blocks, blocks}, high[3] = {};
    for (int z = 0, i = 0; z < blocks; ++z)
      for (int y = 0; y < blocks; ++y)
        for (int x = 0; x < blocks; ++x, ++i) {
          if (!any[i]) continue;
          const int block[3] = {x, y, z};
          for (int axis = 0; axis < 3; ++axis) {
            low[axis] = block[axis] < low[axis] ? block[axis] : low[axis];
            high[axis] = block[axis] >= high[axis] ? block[axis] + 1 : high[axis];
          }
        }
    constexpr float kMargin = 1e-2f;  // blocks: more than rounding could move a candidate by
    for (int axis = 0; axis < 3; ++axis) {
      const float side = (m.hi[axis] - m.lo[axis]) / float(blocks);
      lo[axis] = m.lo[axis] + side * (float(low[axis]) - kMargin);
      hi[axis] = m.lo[axis] + side * (float(high[axis]) + kMargin);
    }
  }

  // Also marks what is beside something along the axis of this stride. Around the grid's edge it marks a few too many.
  static void spread(const uint8_t* __restrict from, uint8_t* __restrict to, int64_t stride, int64_t count) {
    for (int64_t i = 0; i < stride; ++i) to[i] = from[i] | from[i + stride];
    for (int64_t i = stride; i < count - stride; ++i) to[i] = from[i] | from[i - stride] | from[i + stride];
    for (int64_t i = count - stride; i < count; ++i) to[i] = from[i] | from[i - stride];
  }

  std::vector<uint8_t> bits_;
  float grid_lo_[3], grid_hi_[3];
};

}  // namespace
}  // namespace OMNIFIELD_ISA
