#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "bind.h"
#include "kernels.h"

namespace {

using Vectors = TensorArgument<const float, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Spans = TensorArgument<const float, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;

// Bits, and what marches know about them. It is kept here, once for all builds of the kernels: a shared pointer in one of
// them would leave code that the linker could give to another.
class KnownBits {
 public:
  // A picture is marched through in many calls: what the last one knew is kept for as long as the bits are the same.
  static std::shared_ptr<const KnownBits> of(const RayMarch& m) {
    static std::mutex one_at_a_time;
    static std::shared_ptr<const KnownBits> last;
    const std::lock_guard lock(one_at_a_time);
    if (!last || !last->is_of(m)) last = std::make_shared<const KnownBits>(m);
    return last;
  }

  explicit KnownBits(const RayMarch& m)
      : resolution_(m.resolution), bits_(m.occupied, m.occupied + int64_t(m.resolution) * m.resolution * m.resolution / 8) {
    std::memcpy(lo_, m.lo, sizeof lo_), std::memcpy(hi_, m.hi, sizeof hi_);
    const int blocks = m.resolution / kCellsOfBlock;
    distance_.resize(size_t(blocks) * blocks * blocks);
    occupancy_.bits = bits_.data(), occupancy_.blocks = blocks, occupancy_.distance = distance_.data();
    kernels().ray_march_look(m, occupancy_);
  }
  KnownBits(const KnownBits&) = delete;

  const Occupancy& occupancy() const { return occupancy_; }

 private:
  bool is_of(const RayMarch& m) const {
    return resolution_ == m.resolution && !std::memcmp(lo_, m.lo, sizeof lo_) && !std::memcmp(hi_, m.hi, sizeof hi_) &&
           !std::memcmp(bits_.data(), m.occupied, bits_.size());
  }

  int resolution_;
  float lo_[3], hi_[3];
  std::vector<uint8_t> bits_, distance_;
  Occupancy occupancy_{};
};

// Marched rays whose samples wait to be copied into arrays of the right size.
class March {
 public:
  March(Vectors origins, Vectors directions, Spans span, In<1> jitter, Array<const uint8_t, 1> occupied,
        Array<int32_t, 1> place, int most, Array<int64_t, 1> offsets, const std::array<float, 6>& box, bool contracted, int resolution,
        const std::array<float, 3>& step_cone_horizon)
      : occupied_(occupied), rays_(int64_t(origins.shape(0))) {
    require(resolution > 0 && resolution % 8 == 0, "ray_march: the resolution must be a multiple of 8.");
    require(int64_t(occupied.size()) * 8 == int64_t(resolution) * resolution * resolution,
            "ray_march: the bytes of occupancy do not hold resolution³ bits.");
    require_rows("ray_march", "origins", origins, "directions", directions);
    require_rows("ray_march", "origins", origins, "span", span);
    require_rows("ray_march", "origins", origins, "jitter", jitter);
    require_rows("ray_march", "origins", origins, "place", place);
    require(most > 0, "ray_march: a ray has at least one sample at most.");
    require(offsets.size() == origins.shape(0) + 1, "ray_march: offsets holds one number more than there are rays.");
    march_ = {origins.data(), directions.data(), span.data(), jitter.data(), occupied.data(), resolution, contracted};
    for (int axis = 0; axis < 3; ++axis) {
      march_.lo[axis] = box[axis], march_.hi[axis] = box[3 + axis];
      march_.inverse_size[axis] = 1 / (march_.hi[axis] - march_.lo[axis]);
    }
    march_.step = step_cone_horizon[0], march_.cone = step_cone_horizon[1], march_.horizon = step_cone_horizon[2];
    march_.place = place.data(), march_.most = most;
    nb::gil_scoped_release release;
    const std::shared_ptr<const KnownBits> known = KnownBits::of(march_);
    kernels().ray_march_find(march_, known->occupancy(), rays_, offsets.data(), parts_);
  }
  March(const March&) = delete;
  ~March() {
    for (int p = 0; p < parts_.count * parts_.lanes; ++p) std::free(parts_.t[p]);
    std::free(parts_.t);
    std::free(parts_.lane_of);
  }

  void fill(Array<const int64_t, 1> offsets, Out<1> t, Out<1> dt, Array<int64_t, 1> ray) const {
    require(int64_t(offsets.size()) == rays_ + 1, "ray_march: these offsets are of other rays.");
    for (size_t size : {t.size(), dt.size(), ray.size()})
      require(int64_t(size) == offsets.data()[rays_], "ray_march: t, dt and ray must hold all samples.");
    nb::gil_scoped_release release;
    kernels().ray_march_fill(march_, parts_, rays_, offsets.data(), t.data(), dt.data(), ray.data());
  }

 private:
  Array<const uint8_t, 1> occupied_;
  int64_t rays_;
  RayMarch march_{};
  RayMarchParts parts_{};
};

}  // namespace

void export_ray_march(nb::module_& m) {
  nb::class_<March>(m, "RayMarch")
      .def(nb::init<Vectors, Vectors, Spans, In<1>, Array<const uint8_t, 1>, Array<int32_t, 1>, int, Array<int64_t, 1>,
                    const std::array<float, 6>&, bool, int, const std::array<float, 3>&>(),
           "origins"_a, "directions"_a, "span"_a, "jitter"_a, "occupied"_a, "place"_exact, "most"_a, "offsets"_exact, "box"_a, "contracted"_a,
           "resolution"_a, "step_cone_horizon"_a)
      .def("fill", &March::fill, "offsets"_a, "t"_a, "dt"_a, "ray"_a);
}
