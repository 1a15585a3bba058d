#include "bind.h"
#include "kernels.h"

namespace {

void forward(In<3> poses, In<2> focal, In<2> principal, In<2> distortion, In<1> time, Array<const int64_t, 1> view,
             In<1> x, In<1> y, bool fisheye, Out<2> origins, Out<2> directions, Out<1> footprint, Out<1> time_of_ray) {
  require(poses.shape(1) == 3 && poses.shape(2) == 4 && focal.shape(1) == 2 && principal.shape(1) == 2 &&
              distortion.shape(1) == 6 && origins.shape(1) == 3 && directions.shape(1) == 3,
          "camera_rays: a column is missing.");
  require_rows("camera_rays", "poses", poses, "focal", focal);
  require_rows("camera_rays", "poses", poses, "principal", principal);
  require_rows("camera_rays", "poses", poses, "distortion", distortion);
  require_rows("camera_rays", "poses", poses, "time", time);
  require_rows("camera_rays", "view", view, "x", x);
  require_rows("camera_rays", "view", view, "y", y);
  for (size_t rows : {origins.shape(0), directions.shape(0), footprint.shape(0), time_of_ray.shape(0)})
    require(rows == view.shape(0), "camera_rays: every output has a row for each ray.");
  const PosedCameras cameras{.poses = poses.data(),
                             .focal = focal.data(),
                             .principal = principal.data(),
                             .distortion = distortion.data(),
                             .time = time.data(),
                             .views = int64_t(poses.shape(0)),
                             .fisheye = fisheye};
  const CameraRays rays{.origins = origins.data(),
                        .directions = directions.data(),
                        .footprint = footprint.data(),
                        .time = time_of_ray.data()};
  bool inside;
  {
    nb::gil_scoped_release release;
    inside = kernels().camera_rays_forward(cameras, view.data(), x.data(), y.data(), view.shape(0), rays);
  }
  if (!inside) throw nb::index_error("camera_rays: a ray names a view that does not exist.");
}

}  // namespace

void export_camera_rays(nb::module_& m) {
  m.def("camera_rays_forward", &forward, "poses"_a, "focal"_a, "principal"_a, "distortion"_a, "time"_a, "view"_a,
        "x"_a, "y"_a, "fisheye"_a, "origins"_exact, "directions"_exact, "footprint"_exact, "time_of_ray"_exact);
}
