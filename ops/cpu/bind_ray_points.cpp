#include "bind.h"
#include "kernels.h"

namespace {

using In3 = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Out3 = TensorArgument<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Index = Array<const int64_t, 1>;

void forward(In3 origins, In3 directions, In<1> footprint, In<1> time, In<1> t, Index ray, Out3 position,
             Out3 direction, Out<1> footprint_there, Out<1> time_there) {
  require_rows("ray_points", "origins", origins, "directions", directions);
  require_rows("ray_points", "origins", origins, "footprint", footprint);
  require_rows("ray_points", "origins", origins, "time", time);
  require_rows("ray_points", "t", t, "ray", ray);
  for (size_t rows : {position.shape(0), direction.shape(0), footprint_there.shape(0), time_there.shape(0)})
    require(rows == t.shape(0), "ray_points: every output has a row for each sample.");
  const RayColumns rays{.origins = origins.data(),
                        .directions = directions.data(),
                        .footprint = footprint.data(),
                        .time = time.data(),
                        .rays = int64_t(origins.shape(0))};
  const PointColumns points{.position = position.data(),
                            .direction = direction.data(),
                            .footprint = footprint_there.data(),
                            .time = time_there.data()};
  bool inside;
  {
    nb::gil_scoped_release release;
    inside = kernels().ray_points_forward(rays, t.data(), ray.data(), t.shape(0), points);
  }
  if (!inside) throw nb::index_error("ray_points: a sample names a ray that does not exist.");
}

// Adds to the gradients of the rays. The numbers in `ray` are those of a forward pass, which has checked them.
void backward(In<1> t, Index ray, In3 grad_position, In3 grad_direction, In<1> grad_footprint, Out3 grad_origins,
              Out3 grad_directions, Out<1> grad_footprint_of_ray) {
  require_rows("ray_points", "t", t, "ray", ray);
  require_rows("ray_points", "t", t, "grad_position", grad_position);
  require_rows("ray_points", "t", t, "grad_direction", grad_direction);
  require_rows("ray_points", "t", t, "grad_footprint", grad_footprint);
  require_rows("ray_points", "grad_origins", grad_origins, "grad_directions", grad_directions);
  require_rows("ray_points", "grad_origins", grad_origins, "grad_footprint", grad_footprint_of_ray);
  const PointGradients from{
      .position = grad_position.data(), .direction = grad_direction.data(), .footprint = grad_footprint.data()};
  const RayGradients to{.origins = grad_origins.data(),
                        .directions = grad_directions.data(),
                        .footprint = grad_footprint_of_ray.data()};
  nb::gil_scoped_release release;
  kernels().ray_points_backward(t.data(), ray.data(), t.shape(0), from, to);
}

}  // namespace

void export_ray_points(nb::module_& m) {
  m.def("ray_points_forward", &forward, "origins"_a, "directions"_a, "footprint"_a, "time"_a, "t"_a, "ray"_a,
        "position"_exact, "direction"_exact, "footprint_there"_exact, "time_there"_exact);
  m.def("ray_points_backward", &backward, "t"_exact, "ray"_exact, "grad_position"_exact, "grad_direction"_exact,
        "grad_footprint"_exact, "grad_origins"_exact, "grad_directions"_exact, "grad_footprint_of_ray"_exact);
}
