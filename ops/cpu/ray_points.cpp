// Positions, directions, footprints and times of packed samples, in one pass; and from their gradients those of the rays.
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int64_t kPart = 2048;  // samples of a task

// Where a part begins, or the next ray if that is in the middle of one: no two parts share a ray.
int64_t begin_of(int64_t part, const int64_t* ray, int64_t n) {
  int64_t i = part * kPart;
  if (i >= n) return n;
  while (0 < i && i < n && ray[i] == ray[i - 1]) ++i;
  return i;
}

void add_up(const float* t, const int64_t* ray, int64_t i, int64_t end, const PointGradients& from,
            const RayGradients& to) {
  while (i < end) {
    const int64_t r = ray[i];
    float origin[3] = {}, direction[3] = {}, footprint = 0;
    for (; i < end && ray[i] == r; ++i) {
      for (int axis = 0; axis < 3; ++axis) {
        origin[axis] += from.position[3 * i + axis];
        direction[axis] += from.position[3 * i + axis] * t[i] + from.direction[3 * i + axis];
      }
      footprint += from.footprint[i] * t[i];
    }
    for (int axis = 0; axis < 3; ++axis)
      to.origins[3 * r + axis] += origin[axis], to.directions[3 * r + axis] += direction[axis];
    to.footprint[r] += footprint;
  }
}

// False if a sample names a ray that does not exist.
bool follow(const RayColumns& of, const float* t, const int64_t* ray, int64_t i, int64_t end, const PointColumns& to) {
  while (i < end) {
    const int64_t r = ray[i];
    if (r < 0 || r >= of.rays) return false;
    const float *o = of.origins + 3 * r, *d = of.directions + 3 * r;
    const float ox = o[0], oy = o[1], oz = o[2], dx = d[0], dy = d[1], dz = d[2];
    const float footprint = of.footprint[r], time = of.time[r];
    for (; i < end && ray[i] == r; ++i) {
      const float distance = t[i];
      float *position = to.position + 3 * i, *direction = to.direction + 3 * i;
      position[0] = ox + distance * dx, position[1] = oy + distance * dy, position[2] = oz + distance * dz;
      direction[0] = dx, direction[1] = dy, direction[2] = dz;
      to.footprint[i] = footprint * distance, to.time[i] = time;
    }
  }
  return true;
}

}  // namespace

bool ray_points_forward(const RayColumns& of, const float* t, const int64_t* ray, int64_t n, const PointColumns& to) {
  bool outside = false;
  share_ranges(n, kPart, [&](int64_t begin, int64_t end) {
    if (!follow(of, t, ray, begin, end, to)) __atomic_store_n(&outside, true, __ATOMIC_RELAXED);
  });
  return !outside;
}

// Samples of a march stand together, ray after ray: tasks then share no ray. Of others one thread takes care.
void ray_points_backward(const float* t, const int64_t* ray, int64_t n, const PointGradients& from,
                         const RayGradients& to) {
  bool ascending = true;
  for (int64_t i = 1; i < n; ++i) ascending = ascending && ray[i - 1] <= ray[i];
  if (!ascending) return add_up(t, ray, 0, n, from, to);
  share((n + kPart - 1) / kPart, [&](int64_t part) {
    add_up(t, ray, begin_of(part, ray, n), begin_of(part + 1, ray, n), from, to);
  });
}

}  // namespace OMNIFIELD_ISA
