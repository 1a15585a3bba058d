#include "bind.h"
#include "kernels.h"

namespace {

using Rows3 = nb::ndarray<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Rows8 = nb::ndarray<const float, nb::shape<-1, 8>, nb::c_contig, nb::device::cpu>;

void forward(Rows8 rays, In<1> t, Array<const int64_t, 1> ray, Rows3 position, Rows3 direction, Out<1> footprint,
             Out<1> time) {
  require_rows("ray_points", "t", t, "ray", ray);
  for (size_t rows : {position.shape(0), direction.shape(0), footprint.shape(0), time.shape(0)})
    require(rows == t.shape(0), "ray_points: every output has a row for each sample.");
  const RayPoints out{position.data(), direction.data(), footprint.data(), time.data()};
  bool inside;
  {
    nb::gil_scoped_release release;
    inside = kernels().ray_points(rays.data(), rays.shape(0), t.data(), ray.data(), t.shape(0), out);
  }
  if (!inside) throw nb::index_error("ray_points: a sample names a ray that does not exist.");
}

}  // namespace

void export_ray_points(nb::module_& m) {
  m.def("ray_points", &forward, "rays"_a, "t"_a, "ray"_a, "position"_a, "direction"_a, "footprint"_a, "time"_a);
}
