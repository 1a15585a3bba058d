#include "bind.h"
#include "kernels.h"

namespace {

using Positions = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Units = TensorArgument<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;

void find(Positions position, const std::array<float, 3>& lo, const std::array<float, 3>& hi, bool contracted, Units unit) {
  require_rows("unit_positions", "position", position, "unit", unit);
  WorldBox box{{}, {}, contracted};
  for (int axis = 0; axis < 3; ++axis) box.lo[axis] = lo[axis], box.inverse_size[axis] = 1 / (hi[axis] - lo[axis]);
  nb::gil_scoped_release release;
  kernels().unit_positions(box, position.data(), position.shape(0), unit.data());
}

}  // namespace

void export_unit_positions(nb::module_& m) {
  m.def("unit_positions", &find, "position"_a, "lo"_a, "hi"_a, "contracted"_a, "unit"_exact);
}
