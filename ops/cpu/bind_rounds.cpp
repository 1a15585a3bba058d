#include "bind.h"
#include "kernels.h"

namespace {

using Indices = Array<const int64_t, 1>;
using Numbers = Array<int64_t, 1>;

// Numbers say where a kernel reads and writes: never taken on trust.
RoundOfRays checked(const char* op, const Indices& ray, const Indices& before, const Indices& ends, int64_t samples,
                    const Indices& offsets, int64_t all) {
  const int64_t count = int64_t(ray.shape(0)), rays = int64_t(offsets.shape(0)) - 1;
  const int64_t *r = ray.data(), *b = before.data(), *e = ends.data(), *o = offsets.data();
  bool fits = int64_t(before.shape(0)) == count && int64_t(ends.shape(0)) == count + 1 && rays >= 0 && o[0] == 0 &&
              o[rays] == all && e[0] == 0 && e[count] == samples;
  for (int64_t i = 0; fits && i < rays; ++i) fits = o[i] <= o[i + 1];
  for (int64_t i = 0; fits && i < count; ++i)
    fits = r[i] >= 0 && r[i] < rays && (i == 0 || r[i - 1] < r[i]) && b[i] >= 0 && e[i] <= e[i + 1] &&
           o[r[i]] + b[i] + e[i + 1] - e[i] <= o[r[i] + 1];
  require(fits, std::string(op) + ": the round is none of these samples.");
  return {count, r, b, e};
}

int64_t next_round_find(In<1> depth, Indices asked, Indices offsets, int64_t samples, int64_t most, float opaque,
                        Numbers ray, Numbers before, Numbers ends) {
  const int64_t rays = depth.shape(0), *o = offsets.data(), *a = asked.data();
  require(int64_t(offsets.shape(0)) == rays + 1 && int64_t(asked.shape(0)) == rays &&
              int64_t(ray.shape(0)) == rays && int64_t(before.shape(0)) == rays && int64_t(ends.shape(0)) == rays + 1,
          "next_round: every ray has an offset, and room for what is found.");
  nb::gil_scoped_release release;
  bool rise = o[0] == 0 && o[rays] == samples, known = true;
  for (int64_t i = 0; i < rays; ++i) rise &= o[i] <= o[i + 1], known &= a[i] >= 0 && a[i] <= o[i + 1] - o[i];
  require(rise, "next_round: offsets must rise from 0 to the number of samples, " + std::to_string(samples) + ".");
  require(known, "next_round: no ray was asked for more samples than it has.");
  require(most > 0, "next_round: a round has samples.");
  return kernels().next_round_find(depth.data(), a, o, rays, most, opaque, ray.data(), before.data(), ends.data());
}

void next_round_fill(In<1> all_t, In<1> all_dt, Indices offsets, Indices ray, Indices before, Indices ends, Out<1> t,
                     Out<1> dt, Numbers ray_of_sample) {
  require_rows("next_round", "t", all_t, "dt", all_dt);
  require(t.size() == dt.size() && t.size() == ray_of_sample.size(), "next_round: every sample has a t, a dt and a ray.");
  nb::gil_scoped_release release;
  const RoundOfRays round = checked("next_round", ray, before, ends, t.size(), offsets, all_t.size());
  kernels().next_round_fill(round, all_t.data(), all_dt.data(), offsets.data(), t.data(), dt.data(),
                            ray_of_sample.data());
}

void pass_round(In<1> density, In<1> dt, Indices ray, Indices ends, Out<1> depth, Numbers asked) {
  require_rows("pass_round", "density", density, "dt", dt);
  require_rows("pass_round", "depth", depth, "asked", asked);
  nb::gil_scoped_release release;
  const int64_t count = ray.shape(0), rays = depth.shape(0), *r = ray.data(), *e = ends.data();
  bool fits = int64_t(ends.shape(0)) == count + 1 && e[0] == 0 && e[count] == int64_t(dt.size());
  for (int64_t i = 0; fits && i < count; ++i)
    fits = r[i] >= 0 && r[i] < rays && (i == 0 || r[i - 1] < r[i]) && e[i] <= e[i + 1];
  require(fits, "pass_round: the round is none of these rays.");
  kernels().pass_round({count, r, nullptr, e}, density.data(), dt.data(), depth.data(), asked.data());
}

void first_samples(In<1> all_t, In<1> all_dt, Indices offsets, Indices ends, Out<1> t, Out<1> dt, Numbers ray) {
  require_rows("first_samples", "t", all_t, "dt", all_dt);
  require_rows("first_samples", "offsets", offsets, "ends", ends);
  nb::gil_scoped_release release;
  const int64_t rays = int64_t(offsets.shape(0)) - 1, *o = offsets.data(), *e = ends.data();
  bool fits = rays >= 0 && o[0] == 0 && e[0] == 0 && o[rays] == int64_t(all_t.size()) && e[rays] == int64_t(t.size()) &&
              t.size() == dt.size() && t.size() == ray.size();
  for (int64_t i = 0; fits && i < rays; ++i) fits = e[i] <= e[i + 1] && e[i + 1] - e[i] <= o[i + 1] - o[i];
  require(fits, "first_samples: no ray was asked for more samples than it has.");
  kernels().first_samples(all_t.data(), all_dt.data(), o, e, rays, t.data(), dt.data(), ray.data());
}

void put_round(In<2> values, Indices ray, Indices before, Indices ends, Indices offsets, Out<2> ordered) {
  require(values.shape(1) == ordered.shape(1), "in_order: all rounds have as many channels.");
  nb::gil_scoped_release release;
  const RoundOfRays round = checked("in_order", ray, before, ends, values.shape(0), offsets, ordered.shape(0));
  kernels().put_round(round, values.data(), values.shape(1), offsets.data(), ordered.data());
}

void take_round(In<2> ordered, Indices ray, Indices before, Indices ends, Indices offsets, Out<2> values) {
  require(values.shape(1) == ordered.shape(1), "in_order: all rounds have as many channels.");
  nb::gil_scoped_release release;
  const RoundOfRays round = checked("in_order", ray, before, ends, values.shape(0), offsets, ordered.shape(0));
  kernels().take_round(round, ordered.data(), values.shape(1), offsets.data(), values.data());
}

}  // namespace

void export_rounds(nb::module_& m) {
  m.def("next_round_find", &next_round_find, "depth"_exact, "asked"_exact, "offsets"_exact, "samples"_a, "most"_a,
        "opaque"_a, "ray"_exact, "before"_exact, "ends"_exact);
  m.def("next_round_fill", &next_round_fill, "all_t"_exact, "all_dt"_exact, "offsets"_exact, "ray"_exact,
        "before"_exact, "ends"_exact, "t"_exact, "dt"_exact, "ray_of_sample"_exact);
  m.def("pass_round", &pass_round, "density"_exact, "dt"_exact, "ray"_exact, "ends"_exact, "depth"_exact,
        "asked"_exact);
  m.def("first_samples", &first_samples, "all_t"_exact, "all_dt"_exact, "offsets"_exact, "ends"_exact, "t"_exact,
        "dt"_exact, "ray"_exact);
  m.def("put_round", &put_round, "values"_exact, "ray"_exact, "before"_exact, "ends"_exact, "offsets"_exact,
        "ordered"_exact);
  m.def("take_round", &take_round, "ordered"_exact, "ray"_exact, "before"_exact, "ends"_exact, "offsets"_exact,
        "values"_exact);
}
