// Marching rays through an occupancy bitfield. Compiled without fused multiply-adds, so that a candidate falls into the
// same cell as in the reference, to the last bit.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "cells.h"
#include "decay.h"
#include "kernels.h"
#include "occupancy.h"
#include "pool.h"
#include "simd.h"

namespace OMNIFIELD_ISA {
namespace {

// Rays that are marched side by side: as many as fit into a register.
constexpr int kLanes = kWidth < 8 ? 8 : kWidth;
constexpr int kRaysOfLane = 16;  // one after another, in a task, as a mean
constexpr int kMostTasks = 128;
constexpr int kRoom = 256;      // samples that fit in before anybody looks

typedef Vector<kLanes> Floats;
typedef int32_t Ints __attribute__((vector_size(kLanes * sizeof(int32_t))));

inline bool is_any(Ints mask) {
  int32_t any = 0;
  for (int lane = 0; lane < kLanes; ++lane) any |= mask[lane];
  return any;
}

struct Ray {
  float origin[3], direction[3], begin, end, first;
  int32_t place;  // no candidate before this one can be kept
};

// As std::fmin and std::fmax do, they pass over NaN; those are calls.
inline float least(float a, float b) { return a < b || b != b ? a : b; }
inline float most(float a, float b) { return a > b || b != b ? a : b; }

// What of the ray lies within a box; nothing if begin > end.
inline void clip(Ray& ray, const float (&lo)[3], const float (&hi)[3]) {
  for (int axis = 0; axis < 3; ++axis) {
    const float inverse = 1 / ray.direction[axis];
    const float a = (lo[axis] - ray.origin[axis]) * inverse, b = (hi[axis] - ray.origin[axis]) * inverse;
    ray.begin = most(ray.begin, least(a, b));
    ray.end = least(ray.end, most(a, b));
  }
}

inline float steps_from_distance(const RayMarch& m, float t) {
  if (m.cone == 0) return t / m.step;
  const float bend = m.step / m.cone;
  return t <= bend ? t / m.step : (1 + std::log(t / bend)) / m.cone;
}

// Without a branch, so that a loop over it becomes vectors.
[[gnu::always_inline]] inline float distance_from_steps(const RayMarch& m, float s) {
  const float growing = m.step / m.cone * decay(1 - s * m.cone).left;
  return s * m.cone <= 1 ? s * m.step : growing;
}

Ray ray_of(const RayMarch& m, const Occupancy& occupancy, int64_t i) {
  Ray ray;
  std::memcpy(ray.origin, m.origins + 3 * i, sizeof ray.origin);
  std::memcpy(ray.direction, m.directions + 3 * i, sizeof ray.direction);
  ray.begin = m.span[2 * i], ray.end = m.span[2 * i + 1];
  ray.place = m.place[i];
  if (m.contracted) {
    ray.end = ray.end < m.horizon ? ray.end : m.horizon;
    ray.first = steps_from_distance(m, ray.begin);
  } else {
    clip(ray, m.lo, m.hi);
    ray.first = steps_from_distance(m, ray.begin);  // where the box begins, and not what is in it
    clip(ray, occupancy.lo, occupancy.hi);
    const float steps = steps_from_distance(m, ray.begin) - ray.first - 1;
    if (ray.begin < ray.end && steps > float(ray.place)) ray.place = int32_t(steps);
  }
  return ray;
}

// `least` and `most` pass over NaN: it must not pass for a ray.
inline bool is_number(const RayMarch& m, int64_t i) {
  bool nan = std::isnan(m.span[2 * i]) || std::isnan(m.span[2 * i + 1]);
  for (int axis = 0; axis < 3; ++axis)
    nan = nan || std::isnan(m.origins[3 * i + axis]) || std::isnan(m.directions[3 * i + axis]);
  return !nan;
}

// Marches kLanes rays of a range side by side: a lane whose ray has ended goes on with the next one that no lane has.
// So neighbours are marched together, through the same cells, and no lane waits for another before the range ends.
class Lanes {
 public:
  Lanes(const RayMarch& march, const Occupancy& grid, int64_t* samples, uint8_t* lane_of)
      : m_(march), occupancy_(grid), samples_(samples), lane_of_(lane_of), straight_(!march.contracted && march.cone == 0) {}

  // Hands over the distances that each lane found, those of its rays one after another.
  void march(int64_t first, int64_t last, float** distances) {
    next_ = first, last_ = last;
    for (int lane = 0; lane < kLanes; ++lane) next_ray(lane);
    for (int64_t turn = 0; is_any(has_ray_); ++turn) {
      if (turn % kRoom == 0) make_room();
      const Candidates c = candidates();
      const Ints kept = c.occupied & (c.t < end_);
#pragma GCC unroll 16
      for (int lane = 0; lane < kLanes; ++lane) {
        // Written in any case: to branch on every candidate would be slow.
        distances_[lane][found_[lane]] = c.t[lane];
        found_[lane] += kept[lane];
      }
      left_ -= kept;
      k_ += c.occupied ? Ints{} + 1 : straight_ ? skips(c) : m_.contracted ? curved_skips(c) : Ints{} + 1;
      const Ints ended = (~(c.t < end_) | left_ == 0) & has_ray_;
      if (is_any(ended))
        for (int lane = 0; lane < kLanes; ++lane)
          if (ended[lane]) end_ray(lane);
    }
    std::memcpy(distances, distances_, sizeof distances_);
  }

 private:
  struct Candidates {
    Floats t, position[3];  // in cells
    Floats norm;             // of a contracted space: how far out, in halves of the box
    Ints cell[3], occupied;  // 0 or 1
    Ints clearance;          // distance of the block from anything, in blocks
  };

  // To the next ray of the range that crosses anything; after the last one the lane rests.
  void next_ray(int lane) {
    while (next_ < last_) {
      const int64_t i = next_++;
      const Ray ray = m_.place[i] >= 0 && is_number(m_, i) ? ray_of(m_, occupancy_, i) : Ray{};
      lane_of_[i] = uint8_t(lane);
      if (ray.begin < ray.end && ray.end < HUGE_VALF) return begin_ray(lane, i, ray);
      samples_[i] = 0, m_.place[i] = -1;
    }
    has_ray_[lane] = 0, end_[lane] = -HUGE_VALF, k_[lane] = 0;
  }

  void begin_ray(int lane, int64_t i, const Ray& ray) {
    float fastest = 0;
    ray_[lane] = i;
    for (int axis = 0; axis < 3; ++axis) {
      origin_[axis][lane] = ray.origin[axis], direction_[axis][lane] = ray.direction[axis];
      const float speed = std::fabs(ray.direction[axis]) * m_.inverse_size[axis] * float(m_.resolution);
      steps_per_cell_[axis][lane] = 1 / (speed * m_.step);  // infinite across the ray
      fastest = most(fastest, 2 * speed / float(m_.resolution));
    }
    speed_[lane] = fastest;
    first_[lane] = ray.first, jitter_[lane] = m_.jitter[i], end_[lane] = ray.end;
    k_[lane] = ray.place, left_[lane] = m_.most, has_ray_[lane] = -1, before_[lane] = found_[lane];
  }

  void make_room() {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (room_[lane] >= found_[lane] + kRoom) continue;
      room_[lane] = 2 * room_[lane] + kRoom;
      distances_[lane] = static_cast<float*>(std::realloc(distances_[lane], room_[lane] * sizeof(float)));
    }
  }

  void end_ray(int lane) {
    samples_[ray_[lane]] = found_[lane] - before_[lane];
    m_.place[ray_[lane]] = left_[lane] ? -1 : k_[lane];
    next_ray(lane);
  }

  Candidates candidates() const {
    Candidates c;
    const Floats steps = first_ + (__builtin_convertvector(k_, Floats) + jitter_);
    c.t = steps * m_.step;
    if (m_.cone != 0)
      for (int lane = 0; lane < kLanes; ++lane) c.t[lane] = distance_from_steps(m_, steps[lane]);
    for (int axis = 0; axis < 3; ++axis)
      c.position[axis] = (origin_[axis] + c.t * direction_[axis] - m_.lo[axis]) * m_.inverse_size[axis];
    if (m_.contracted) c.norm = contract(c.position);
    const float size = float(m_.resolution);
    for (int axis = 0; axis < 3; ++axis) {
      c.position[axis] *= size;
      const Floats inside = c.position[axis] > 0 ? c.position[axis] : Floats{};  // also NaN: never out of bounds
      c.cell[axis] = __builtin_convertvector(inside < size ? inside : Floats{} + (size - 1), Ints);
    }
    const Ints number = cell_number(c.cell[0], c.cell[1], c.cell[2], m_.resolution);
    const Ints x = c.cell[0] / kBlock, y = c.cell[1] / kBlock, z = c.cell[2] / kBlock;
    const Ints block = cell_number(x, y, z, occupancy_.blocks);
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) {
      c.occupied[lane] = is_occupied(occupancy_, number[lane]);
      c.clearance[lane] = occupancy_.distance[block[lane]];
    }
    return c;
  }

  static Floats contract(Floats (&unit)[3]) {
    Floats norm = Floats{} + 1;
    for (Floats& x : unit) {
      x = x * 2 - 1;
      const Floats size = x < 0 ? -x : x;
      norm = size > norm ? size : norm;
    }
    const Floats scale = (2 - 1 / norm) / norm;
    for (Floats& x : unit) x = (x * scale + 2) * 0.25f;
    return norm;
  }

  // Candidates to advance, at least one, so that none is passed over outside of what is empty: a candidate's cell, or
  // all blocks that are nearer than its clearance.
  Ints skips(const Candidates& c) const {
    constexpr float kShort = 1e-3f;  // of the wall, in cells: by more than rounding could move it
    const Ints in_cell = c.clearance == 0;
    const Ints side = in_cell ? Ints{} + 1 : (2 * c.clearance - 1) * kBlock;
    Floats steps = Floats{} + 1e6f;
    for (int axis = 0; axis < 3; ++axis) {
      const Ints low = in_cell ? c.cell[axis] : (c.cell[axis] / kBlock + 1 - c.clearance) * kBlock;
      const Floats inside = c.position[axis] - __builtin_convertvector(low, Floats);
      const Floats ahead = direction_[axis] > 0 ? __builtin_convertvector(side, Floats) - inside : inside;
      const Floats to_wall = (ahead - kShort) * steps_per_cell_[axis];
      steps = to_wall < steps ? to_wall : steps;
    }
    return __builtin_convertvector(steps > 1 ? steps : Floats{} + 1, Ints);
  }

  // The same where space is contracted. There a ray is a curve, no faster than 4/3 times as within the box; and where it is
  // n halves of the box away from the middle, than 16/(3n) times, as long as it has not come nearer by a quarter.
  Ints curved_skips(const Candidates& c) const {
    constexpr float kShort = 1e-2f;  // cells: by more than rounding could move it
    Floats room = Floats{} + 1e6f;   // to the nearest wall, in cells
    for (int axis = 0; axis < 3; ++axis) {
      const Ints low = (c.cell[axis] / kBlock + 1 - c.clearance) * kBlock;
      const Floats inside = c.position[axis] - __builtin_convertvector(low, Floats);
      const Floats ahead = __builtin_convertvector((2 * c.clearance - 1) * kBlock, Floats) - inside;
      const Floats to_wall = (inside < ahead ? inside : ahead) - kShort;
      room = to_wall < room ? to_wall : room;
    }
    const Floats halves = room * (4 / float(m_.resolution));
    const Floats nearer = halves < 4 / 3.f ? halves : Floats{} + 4 / 3.f;
    const Floats slow = nearer * c.norm * (3 / 16.f), fast = halves * 0.75f;
    const Floats far = (slow > fast ? slow : fast) / speed_;
    const Floats growing = (c.t + far) * m_.cone, step = growing > m_.step ? growing : Floats{} + m_.step;
    const Floats steps = c.clearance == 0 ? Floats{} : far / step;
    return __builtin_convertvector(steps > 1 ? steps : Floats{} + 1, Ints);
  }

  const RayMarch& m_;
  const Occupancy& occupancy_;
  int64_t* samples_;  // of each ray
  uint8_t* lane_of_;
  const bool straight_;  // only then do cells and steps have walls and lengths to skip by
  int64_t next_ = 0, last_ = 0;
  int64_t ray_[kLanes], before_[kLanes];
  float* distances_[kLanes] = {};
  int64_t found_[kLanes] = {}, room_[kLanes] = {};
  Floats origin_[3] = {}, direction_[3] = {}, steps_per_cell_[3] = {}, speed_{}, first_{}, jitter_{}, end_{};
  Ints k_{}, left_{}, has_ray_{};  // candidate, samples until enough; −1 where it has a ray
};

}  // namespace

void ray_march_look(const RayMarch& m, Occupancy& occupancy) { look(m, occupancy); }

void ray_march_find(const RayMarch& m, const Occupancy& occupancy, int64_t rays, int64_t* offsets, RayMarchParts& parts) {
  const int64_t enough = (rays + kLanes * kRaysOfLane - 1) / (kLanes * kRaysOfLane);
  parts.count = int(enough < 1 ? 1 : enough < kMostTasks ? enough : kMostTasks), parts.lanes = kLanes;
  parts.t = static_cast<float**>(std::calloc(parts.count * kLanes, sizeof(float*)));
  parts.lane_of = static_cast<uint8_t*>(std::malloc(rays + 1));
  share(parts.count, [&](int64_t part) {
    Lanes lanes(m, occupancy, offsets + 1, parts.lane_of);
    lanes.march(rays * part / parts.count, rays * (part + 1) / parts.count, parts.t + kLanes * part);
  });
  offsets[0] = 0;
  for (int64_t i = 0; i < rays; ++i) offsets[i + 1] += offsets[i];
}

void ray_march_fill(const RayMarch& m, const RayMarchParts& parts, int64_t rays, const int64_t* offsets, float* t,
                    float* dt, int64_t* ray) {
  share(parts.count, [&](int64_t part) {
    const float* next[kLanes];  // what each lane found of the rays that are still to come
    std::memcpy(next, parts.t + kLanes * part, sizeof next);
    for (int64_t i = rays * part / parts.count; i < rays * (part + 1) / parts.count; ++i) {
      const float*& from = next[parts.lane_of[i]];
      for (int64_t s = offsets[i]; s < offsets[i + 1]; ++s) {
        t[s] = *from++;
        const float grown = t[s] * m.cone;
        dt[s] = grown > m.step ? grown : m.step;
        ray[s] = i;
      }
    }
  });
}

}  // namespace OMNIFIELD_ISA
