// Marching rays through an occupancy bitfield. Compiled without fused multiply-adds, so that a candidate falls into the
// same cell as in the reference, to the last bit.
#include <omp.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int kCoarse = 8;  // cells along a side of the blocks that are skipped whole

// A growing array of floats. (std::vector would leave symbols that other instruction sets could pick up.)
struct Distances {
  float* data = nullptr;
  int64_t size = 0, capacity = 0;
  void add(float t) {
    if (size == capacity) {
      capacity = capacity ? 2 * capacity : 4096;
      data = static_cast<float*>(std::realloc(data, capacity * sizeof(float)));
    }
    data[size++] = t;
  }
  ~Distances() { std::free(data); }
};

// The bitfield, and for every block of 8³ cells whether any of them is set.
struct Occupancy {
  const uint8_t* bits;
  int resolution, blocks;
  uint8_t* any;

  explicit Occupancy(const RayMarch& m) : bits(m.occupied), resolution(m.resolution), blocks(m.resolution / kCoarse) {
    any = static_cast<uint8_t*>(std::calloc(blocks * blocks * blocks, 1));
    for (int z = 0; z < resolution; ++z)
      for (int y = 0; y < resolution; ++y) {
        const uint8_t* row = bits + (int64_t(z) * resolution + y) * blocks;  // 8 cells along x are one byte
        uint8_t* to = any + (int64_t(z / kCoarse) * blocks + y / kCoarse) * blocks;
        for (int x = 0; x < blocks; ++x) to[x] |= row[x];
      }
  }
  ~Occupancy() { std::free(any); }
  Occupancy(const Occupancy&) = delete;

  bool cell(const int (&c)[3]) const {
    const int64_t i = c[0] + int64_t(resolution) * (c[1] + int64_t(resolution) * c[2]);
    return bits[i >> 3] >> (i & 7) & 1;
  }
  bool block(const int (&c)[3]) const {
    return any[c[0] / kCoarse + int64_t(blocks) * (c[1] / kCoarse + int64_t(blocks) * (c[2] / kCoarse))];
  }
};

struct Ray {
  float origin[3], direction[3], begin, end, first, jitter;
};

inline float steps_from_distance(const RayMarch& m, float t) {
  if (m.cone == 0) return t / m.step;
  const float bend = m.step / m.cone;
  return t <= bend ? t / m.step : (1 + std::log(t / bend)) / m.cone;
}

inline float distance_from_steps(const RayMarch& m, float s) {
  if (m.cone == 0 || s * m.cone <= 1) return s * m.step;
  return m.step / m.cone * std::exp(s * m.cone - 1);
}

Ray ray_of(const RayMarch& m, int64_t i) {
  Ray ray;
  std::memcpy(ray.origin, m.origins + 3 * i, sizeof ray.origin);
  std::memcpy(ray.direction, m.directions + 3 * i, sizeof ray.direction);
  ray.begin = m.span[2 * i], ray.end = m.span[2 * i + 1];
  if (m.contracted) {
    ray.end = ray.end < m.horizon ? ray.end : m.horizon;
  } else {
    for (int axis = 0; axis < 3; ++axis) {
      const float inverse = 1 / ray.direction[axis];
      const float a = (m.lo[axis] - ray.origin[axis]) * inverse, b = (m.hi[axis] - ray.origin[axis]) * inverse;
      ray.begin = std::fmax(ray.begin, std::fmin(a, b));
      ray.end = std::fmin(ray.end, std::fmax(a, b));
    }
  }
  ray.first = steps_from_distance(m, ray.begin), ray.jitter = m.jitter[i];
  return ray;
}

inline void unit_of(const RayMarch& m, const Ray& ray, float t, float (&unit)[3]) {
  for (int axis = 0; axis < 3; ++axis)
    unit[axis] = (ray.origin[axis] + t * ray.direction[axis] - m.lo[axis]) * m.inverse_size[axis];
  if (!m.contracted) return;
  float norm = 1;
  for (int axis = 0; axis < 3; ++axis) {
    unit[axis] = unit[axis] * 2 - 1;
    norm = std::fmax(norm, std::fabs(unit[axis]));
  }
  const float scale = (2 - 1 / norm) / norm;
  for (int axis = 0; axis < 3; ++axis) unit[axis] = (unit[axis] * scale + 2) * 0.25f;
}

inline void cell_of(const RayMarch& m, const float (&unit)[3], int (&cell)[3]) {
  for (int axis = 0; axis < 3; ++axis) {
    const float x = unit[axis] * float(m.resolution);
    const float inside = x > 0 ? x : 0;  // also NaN: never out of bounds
    cell[axis] = inside < float(m.resolution) ? int(inside) : m.resolution - 1;
  }
}

// Candidates to advance, at least one, so that no candidate beyond this empty cube of `cells` cells is passed over.
inline int64_t skip(const RayMarch& m, const Ray& ray, const float (&unit)[3], const int (&cell)[3], int cells) {
  float distance = HUGE_VALF;
  for (int axis = 0; axis < 3; ++axis) {
    const float speed = ray.direction[axis] * m.inverse_size[axis] * float(m.resolution);  // cells per unit of t
    if (speed == 0) continue;
    const int corner = cell[axis] / cells * cells;
    const float wall = float(speed > 0 ? corner + cells : corner);
    distance = std::fmin(distance, (wall - unit[axis] * float(m.resolution)) / speed);
  }
  const float steps = distance / m.step - 1e-2f;  // short of the wall by more than rounding could move it
  return steps > 1 ? int64_t(std::fmin(steps, 1e6f)) : 1;
}

// std::fmin and std::fmax pass over NaN: it must not pass for a ray.
inline bool is_number(const RayMarch& m, int64_t i) {
  bool nan = std::isnan(m.span[2 * i]) || std::isnan(m.span[2 * i + 1]);
  for (int axis = 0; axis < 3; ++axis)
    nan = nan || std::isnan(m.origins[3 * i + axis]) || std::isnan(m.directions[3 * i + axis]);
  return !nan;
}

int64_t march(const RayMarch& m, const Occupancy& occupancy, const Ray& ray, Distances& found) {
  if (!(ray.begin < ray.end) || !(ray.end < HUGE_VALF)) return 0;
  const int64_t before = found.size;
  const bool straight = !m.contracted && m.cone == 0;  // only then do cells and steps have walls and lengths to skip by
  for (int64_t k = 0;;) {
    const float t = distance_from_steps(m, ray.first + (float(k) + ray.jitter));
    if (!(t < ray.end)) break;
    float unit[3];
    int cell[3];
    unit_of(m, ray, t, unit);
    cell_of(m, unit, cell);
    const bool block = occupancy.block(cell);
    if (block && occupancy.cell(cell)) {
      found.add(t);
      k += 1;
    } else {
      k += straight ? skip(m, ray, unit, cell, block ? 1 : kCoarse) : 1;
    }
  }
  return found.size - before;
}

}  // namespace

void ray_march_find(const RayMarch& m, int64_t rays, int64_t* offsets, RayMarchParts& parts) {
  const Occupancy occupancy(m);
  parts.count = omp_get_max_threads();
  parts.t = static_cast<float**>(std::calloc(parts.count, sizeof(float*)));
  parts.first_ray = static_cast<int64_t*>(std::calloc(parts.count + 1, sizeof(int64_t)));
  for (int p = 0; p <= parts.count; ++p) parts.first_ray[p] = rays * p / parts.count;
#pragma omp parallel for schedule(static, 1)
  for (int p = 0; p < parts.count; ++p) {
    Distances found;
    for (int64_t i = parts.first_ray[p]; i < parts.first_ray[p + 1]; ++i)
      offsets[i + 1] = is_number(m, i) ? march(m, occupancy, ray_of(m, i), found) : 0;
    parts.t[p] = found.data;
    found.data = nullptr;  // handed over
  }
  offsets[0] = 0;
  for (int64_t i = 0; i < rays; ++i) offsets[i + 1] += offsets[i];
}

void ray_march_fill(const RayMarch& m, const RayMarchParts& parts, const int64_t* offsets, float* t, float* dt,
                    int64_t* ray) {
#pragma omp parallel for schedule(static, 1)
  for (int p = 0; p < parts.count; ++p) {
    const int64_t begin = offsets[parts.first_ray[p]];
    for (int64_t i = parts.first_ray[p]; i < parts.first_ray[p + 1]; ++i)
      for (int64_t s = offsets[i]; s < offsets[i + 1]; ++s) {
        t[s] = parts.t[p][s - begin];
        dt[s] = std::fmax(m.step, t[s] * m.cone);
        ray[s] = i;
      }
  }
}

}  // namespace OMNIFIELD_ISA
