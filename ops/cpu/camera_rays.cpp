// Rays through pixels of posed cameras, a ray at a time: see camera_rays.py.
#include <atomic>
#include <cmath>

#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int64_t kTogether = 512;  // rays of a task
constexpr int kIterations = 12;       // of Newton's method, as in distortion.py
constexpr double kLargestStep = 0.5;
constexpr double kSettled = 1e-12;    // a step of fewer focal lengths changes no float
constexpr float kConeRadiusPerPixel = 0.57735026919f;  // 2 / √12

struct Sensor {
  double x, y;
};

inline double within(double step) {
  return step > kLargestStep ? kLargestStep : step < -kLargestStep ? -kLargestStep : step;
}

// See `undistort` in distortion.py.
Sensor undistorted(Sensor observed, const float* k, bool fisheye) {
  const double k1 = k[0], k2 = k[1], k3 = k[2], k4 = k[3], p1 = fisheye ? 0 : k[4], p2 = fisheye ? 0 : k[5];
  double x = observed.x, y = observed.y;
  for (int i = 0; i < kIterations; ++i) {
    const double r2 = x * x + y * y;
    const double radial = 1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)));
    const double slope = 2 * (k1 + r2 * (2 * k2 + r2 * (3 * k3 + r2 * 4 * k4)));
    const double off_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) - observed.x;
    const double off_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y - observed.y;
    const double xx = radial + slope * x * x + 2 * p1 * y + 6 * p2 * x;
    const double xy = slope * x * y + 2 * p1 * x + 2 * p2 * y;
    const double yy = radial + slope * y * y + 6 * p1 * y + 2 * p2 * x;
    double determinant = xx * yy - xy * xy;
    if (std::fabs(determinant) < 1e-9) determinant = 1e-9;
    const double step_x = within((yy * off_x - xy * off_y) / determinant);
    const double step_y = within((xx * off_y - xy * off_x) / determinant);
    x -= step_x, y -= step_y;
    if (std::fabs(step_x) < kSettled && std::fabs(step_y) < kSettled) break;
  }
  return {x, y};
}

inline bool bends(const float* k) { return k[0] != 0 || k[1] != 0 || k[2] != 0 || k[3] != 0 || k[4] != 0 || k[5] != 0; }

void ray_of(const PosedCameras& cameras, int64_t view, float x, float y, int64_t i, const CameraRays& rays) {
  const float *focal = cameras.focal + 2 * view, *principal = cameras.principal + 2 * view;
  const float *pose = cameras.poses + 12 * view, *bending = cameras.distortion + 6 * view;
  float u = (x - principal[0]) / focal[0], v = (y - principal[1]) / focal[1];
  if (bends(bending)) {
    const Sensor ideal = undistorted({u, v}, bending, cameras.fisheye);
    u = float(ideal.x), v = float(ideal.y);
  }
  float away = -1;
  if (cameras.fisheye) {
    const float theta = std::hypot(u, v), scale = theta < 1e-8f ? 1 : std::sin(theta) / theta;
    u *= scale, v *= scale, away = -std::cos(theta);
  }
  float direction[3], square = 0;
  for (int axis = 0; axis < 3; ++axis) {
    direction[axis] = pose[4 * axis] * u - pose[4 * axis + 1] * v + pose[4 * axis + 2] * away;
    square += direction[axis] * direction[axis];
  }
  const float length = __builtin_sqrtf(square);
  for (int axis = 0; axis < 3; ++axis) {
    rays.origins[3 * i + axis] = pose[4 * axis + 3];
    rays.directions[3 * i + axis] = direction[axis] / length;
  }
  rays.footprint[i] = kConeRadiusPerPixel / (0.5f * (focal[0] + focal[1])) / length;
  rays.time[i] = cameras.time[view];
}

}  // namespace

bool camera_rays_forward(const PosedCameras& cameras, const int64_t* view, const float* x, const float* y, int64_t n,
                         const CameraRays& rays) {
  std::atomic<bool> inside{true};
  share_ranges(n, kTogether, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (view[i] < 0 || view[i] >= cameras.views) return inside.store(false);
      ray_of(cameras, view[i], x[i], y[i], i, rays);
    }
  });
  return inside.load();
}

}  // namespace OMNIFIELD_ISA
