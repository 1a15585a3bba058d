#include "bind.h"
#include "kernels.h"

namespace {

void occupied_bits(In<1> thickness, int64_t cells, float most, Array<uint8_t, 1> bits) {
  require(thickness.shape(0) == 8 * bits.shape(0), "occupied_bits: there is a bit for every cell.");
  nb::gil_scoped_release release;
  kernels().occupied_bits(thickness.data(), thickness.shape(0), cells, most, bits.data());
}

int64_t next_set(Array<const uint8_t, 1> bits, int64_t first, Array<int64_t, 1> numbers) {
  const int64_t cells = 8 * int64_t(bits.shape(0));
  require(0 <= first && first <= cells, "next_set: there is no such cell.");
  nb::gil_scoped_release release;
  return kernels().next_set(bits.data(), cells, first, numbers.shape(0), numbers.data());
}

}  // namespace

void export_occupied_cells(nb::module_& m) {
  m.def("occupied_bits", &occupied_bits, "thickness"_exact, "cells"_a, "most"_a, "bits"_exact);
  m.def("next_set", &next_set, "bits"_exact, "first"_a, "numbers"_exact);
}
