#include "bind.h"
#include "kernels.h"

namespace {

using Directions = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using GradDirections = TensorArgument<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;

void check(int degree, int64_t width) {
  require(degree >= 1 && degree <= 4,
          "spherical_harmonics: the degree is 1 to 4, not " + std::to_string(degree) + ".");
  require(width == degree * degree, "spherical_harmonics: the result is degree * degree wide, not " +
                                        std::to_string(width) + ".");
}

void forward(int degree, Directions directions, Out<2> harmonics) {
  check(degree, harmonics.shape(1));
  require_rows("spherical_harmonics", "directions", directions, "harmonics", harmonics);
  nb::gil_scoped_release release;
  kernels().spherical_harmonics_forward(degree, directions.data(), directions.shape(0), harmonics.data());
}

void backward(int degree, Directions directions, In<2> grad_harmonics, GradDirections grad_directions) {
  check(degree, grad_harmonics.shape(1));
  require_rows("spherical_harmonics", "directions", directions, "grad_harmonics", grad_harmonics);
  require_rows("spherical_harmonics", "directions", directions, "grad_directions", grad_directions);
  nb::gil_scoped_release release;
  kernels().spherical_harmonics_backward(degree, directions.data(), directions.shape(0), grad_harmonics.data(),
                                         grad_directions.data());
}

}  // namespace

void export_spherical_harmonics(nb::module_& m) {
  m.def("spherical_harmonics_forward", &forward, "degree"_a, "directions"_exact, "harmonics"_exact);
  m.def("spherical_harmonics_backward", &backward, "degree"_a, "directions"_exact, "grad_harmonics"_exact,
        "grad_directions"_exact);
}
