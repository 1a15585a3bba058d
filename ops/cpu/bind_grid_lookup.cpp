#include <algorithm>

#include "bind.h"
#include "kernels.h"

namespace {

using Positions = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using GradPositions = TensorArgument<float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Lists = std::vector<std::vector<int64_t>>;

// Owns the grids that a DenseGrids points to. (nanobind tells classes apart by name: no two bindings share one.)
struct DenseLayout {
  std::vector<DenseGrid> grids;
  int64_t rows = 0, slots = 0, largest = 0;

  DenseLayout(const Lists& axes, const Lists& shapes, const std::vector<int64_t>& of_slot) {
    require(!axes.empty() && axes.size() == shapes.size() && axes.size() == of_slot.size(),
            "grid_lookup: axes, shapes and slots disagree on the number of grids.");
    for (size_t g = 0; g < axes.size(); ++g) add(axes[g], shapes[g], of_slot[g]);
    for (int64_t slot = 0; slot < slots; ++slot)
      require(std::find(of_slot.begin(), of_slot.end(), slot) != of_slot.end(),
              "grid_lookup: slots count from 0 without a gap.");
  }

  void add(const std::vector<int64_t>& axes, const std::vector<int64_t>& shape, int64_t slot) {
    require(!axes.empty() && axes.size() <= 3 && shape.size() == axes.size() && slot >= 0,
            "grid_lookup: a grid has one to three axes, as many nodes as axes, and a slot.");
    DenseGrid grid{int(axes.size()), {}, {}, rows, slot, false};
    int64_t nodes = 1;
    for (size_t d = 0; d < axes.size(); ++d) {
      require(axes[d] >= 0 && axes[d] < 3 && shape[d] >= 2 && shape[d] < 1 << 24,
              "grid_lookup: an axis is 0, 1 or 2, with 2 to 2^24 nodes.");
      grid.axes[d] = int(axes[d]), grid.shape[d] = shape[d];
      require(nodes <= (int64_t(1) << 32) / shape[d], "grid_lookup: a grid has more than 2^32 nodes.");
      nodes *= shape[d];
    }
    for (const auto& other : grids) grid.adds |= other.slot == slot;
    grids.push_back(grid);
    rows += nodes, largest = std::max(largest, nodes), slots = std::max(slots, slot + 1);
  }

  DenseGrids all(int64_t channels) const {
    return {int(grids.size()), int(channels), slots * channels, grids.data()};
  }

  void check(int64_t table_rows, int64_t channels, int64_t width) const {
    require(table_rows == rows, "grid_lookup: the table does not have the rows that the layout asks for.");
    require(channels >= 1 && channels <= 64,
            "grid_lookup: a row holds 1 to 64 channels, not " + std::to_string(channels) + ".");
    require(largest * channels <= int64_t(1) << 32, "grid_lookup: a grid has more than 2^32 numbers.");
    require(width == slots * channels,
            "grid_lookup: what is found is slots * channels wide, not " + std::to_string(width) + ".");
  }
};

void forward(const DenseLayout& layout, Positions positions, In<2> table, Out<2> found) {
  layout.check(table.shape(0), table.shape(1), found.shape(1));
  require_rows("grid_lookup", "positions", positions, "found", found);
  nb::gil_scoped_release release;
  kernels().grid_lookup_forward(layout.all(table.shape(1)), positions.data(), positions.shape(0), table.data(),
                                found.data());
}

void backward_table(const DenseLayout& layout, Positions positions, In<2> grad_found, Out<2> grad_table) {
  layout.check(grad_table.shape(0), grad_table.shape(1), grad_found.shape(1));
  require_rows("grid_lookup", "positions", positions, "grad_found", grad_found);
  nb::gil_scoped_release release;
  kernels().grid_lookup_backward_table(layout.all(grad_table.shape(1)), positions.data(), positions.shape(0),
                                       grad_found.data(), grad_table.data());
}

void backward_positions(const DenseLayout& layout, Positions positions, In<2> table, In<2> grad_found,
                        GradPositions grad_positions) {
  layout.check(table.shape(0), table.shape(1), grad_found.shape(1));
  require_rows("grid_lookup", "positions", positions, "grad_found", grad_found);
  require_rows("grid_lookup", "positions", positions, "grad_positions", grad_positions);
  nb::gil_scoped_release release;
  kernels().grid_lookup_backward_positions(layout.all(table.shape(1)), positions.data(), positions.shape(0),
                                           table.data(), grad_found.data(), grad_positions.data());
}

}  // namespace

void export_grid_lookup(nb::module_& m) {
  nb::class_<DenseLayout>(m, "GridLayout")
      .def(nb::init<Lists, Lists, std::vector<int64_t>>(), "axes"_a, "shapes"_a, "slots"_a);
  m.def("grid_lookup_forward", &forward, "layout"_a, "positions"_exact, "table"_exact, "found"_exact);
  m.def("grid_lookup_backward_table", &backward_table, "layout"_a, "positions"_exact, "grad_found"_exact,
        "grad_table"_exact);
  m.def("grid_lookup_backward_positions", &backward_positions, "layout"_a, "positions"_exact, "table"_exact,
        "grad_found"_exact, "grad_positions"_exact);
}
