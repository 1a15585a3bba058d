// Cells of a grid, a bit each: see occupied_cells.py.
#include "kernels.h"
#include "pool.h"

namespace OMNIFIELD_ISA {
namespace {

constexpr int64_t kPiece = 1 << 15, kMostPieces = 1 << 12;  // cells that are summed together

// The next set bits of [from, to), as long as there is room for their numbers.
int64_t list_set(const uint8_t* bits, int64_t from, int64_t to, int64_t room, int64_t* numbers) {
  int64_t found = 0;
  for (int64_t cell = from; cell < to && found < room;) {
    uint32_t byte = bits[cell / 8] & (0xffu << (cell % 8));
    const int64_t first = cell / 8 * 8;
    for (; byte && found < room; byte &= byte - 1) {
      const int64_t next = first + __builtin_ctz(byte);
      if (next >= to) return found;
      numbers[found++] = next;
    }
    cell = first + 8;
  }
  return found;
}

}  // namespace

// Sums of pieces are added up in their order: the mean is the same on any number of threads.
void occupied_bits(const float* thickness, int64_t count, int64_t cells, float most, uint8_t* bits) {
  const int64_t least = (count + kMostPieces - 1) / kMostPieces, piece = least > kPiece ? least : kPiece;
  double sums[kMostPieces];
  int64_t unknown[kMostPieces];
  share_ranges(count, piece, [&](int64_t first, int64_t last) {
    double sum = 0;
    int64_t nans = 0;
    for (int64_t i = first; i < last; ++i) {
      const bool nan = thickness[i] != thickness[i];
      nans += nan, sum += nan ? 0.0 : double(thickness[i]);
    }
    sums[first / piece] = sum, unknown[first / piece] = nans;
  });
  double sum = 0;
  for (int64_t i = 0; i * piece < count; ++i) sum += sums[i], cells -= unknown[i];
  const double mean = sum / double(cells > 1 ? cells : 1);
  const float limit = mean < double(most) ? float(mean) : most;
  share_ranges(count / 8, kPiece / 8, [&](int64_t first, int64_t last) {
    for (int64_t byte = first; byte < last; ++byte) {
      uint32_t found = 0;
      for (int bit = 0; bit < 8; ++bit) found |= uint32_t(!(thickness[8 * byte + bit] <= limit)) << bit;  // NaN too
      bits[byte] = uint8_t(found);
    }
  });
}

int64_t next_set(const uint8_t* bits, int64_t cells, int64_t first, int64_t room, int64_t* numbers) {
  const int64_t found = list_set(bits, first, cells, room, numbers);
  return found + list_set(bits, 0, first, room - found, numbers + found);
}

}  // namespace OMNIFIELD_ISA
