// One build of all kernels, for the instruction set this file is compiled for.
#include "kernels.h"

#define NAME_OF(isa) #isa
#define NAME(isa) NAME_OF(isa)

namespace OMNIFIELD_ISA {
extern const Kernels table;
const Kernels table{
    .isa = NAME(OMNIFIELD_ISA),
#define ENTRY(result, name, arguments) .name = name,
    KERNELS(ENTRY)
#undef ENTRY
};
}  // namespace OMNIFIELD_ISA
