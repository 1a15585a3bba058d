#include "bind.h"
#include "kernels.h"

namespace {

using Positions = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using GradPositions = TensorArgument<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;

// Owns the numbers that a HashGrid points to.
struct Layout {
  std::vector<float> scales;
  std::vector<int64_t> resolutions, offsets;
  HashGrid grid(int64_t features) const {
    return {int(scales.size()), int(features), scales.data(), resolutions.data(), offsets.data()};
  }
  void check(int64_t entries, int64_t features) const {
    require(resolutions.size() == scales.size() && offsets.size() == scales.size() + 1,
            "hash_grid: scales, resolutions and offsets disagree on the number of levels.");
    require(offsets.back() == entries, "hash_grid: the table does not have the entries that the layout asks for.");
    require(features == 1 || features == 2 || features == 4 || features == 8,
            "hash_grid: an entry holds 1, 2, 4 or 8 features, not " + std::to_string(features) + ".");
  }
};

void check_encoded(const Layout& layout, int64_t width, int64_t features) {
  require(width == int64_t(layout.scales.size()) * features,
          "hash_grid: the encoding is levels * features wide, not " + std::to_string(width) + ".");
}

void forward(const Layout& layout, Positions positions, In<2> table, Out<2> encoded) {
  layout.check(table.shape(0), table.shape(1));
  check_encoded(layout, encoded.shape(1), table.shape(1));
  require_rows("hash_grid", "positions", positions, "encoded", encoded);
  nb::gil_scoped_release release;
  kernels().hash_grid_forward(layout.grid(table.shape(1)), positions.data(), positions.shape(0), table.data(),
                              encoded.data());
}

void backward_table(const Layout& layout, Positions positions, In<2> grad_encoded, Out<2> grad_table) {
  layout.check(grad_table.shape(0), grad_table.shape(1));
  check_encoded(layout, grad_encoded.shape(1), grad_table.shape(1));
  require_rows("hash_grid", "positions", positions, "grad_encoded", grad_encoded);
  nb::gil_scoped_release release;
  kernels().hash_grid_backward_table(layout.grid(grad_table.shape(1)), positions.data(), positions.shape(0),
                                     grad_encoded.data(), grad_table.data());
}

void backward_positions(const Layout& layout, Positions positions, In<2> table, In<2> grad_encoded,
                        GradPositions grad_positions) {
  layout.check(table.shape(0), table.shape(1));
  check_encoded(layout, grad_encoded.shape(1), table.shape(1));
  require_rows("hash_grid", "positions", positions, "grad_encoded", grad_encoded);
  require_rows("hash_grid", "positions", positions, "grad_positions", grad_positions);
  nb::gil_scoped_release release;
  kernels().hash_grid_backward_positions(layout.grid(table.shape(1)), positions.data(), positions.shape(0),
                                         table.data(), grad_encoded.data(), grad_positions.data());
}

}  // namespace

void export_hash_grid(nb::module_& m) {
  nb::class_<Layout>(m, "HashGridLayout")
      .def(nb::init<std::vector<float>, std::vector<int64_t>, std::vector<int64_t>>(), "scales"_a, "resolutions"_a,
           "offsets"_a);
  m.def("hash_grid_forward", &forward, "layout"_a, "positions"_exact, "table"_exact, "encoded"_exact);
  m.def("hash_grid_backward_table", &backward_table, "layout"_a, "positions"_exact, "grad_encoded"_exact,
        "grad_table"_exact);
  m.def("hash_grid_backward_positions", &backward_positions, "layout"_a, "positions"_exact, "table"_exact,
        "grad_encoded"_exact, "grad_positions"_exact);
}
