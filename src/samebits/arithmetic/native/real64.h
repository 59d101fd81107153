/* The names that a file included for float and for double is written in: here those of double. */
#include "simd.h"

typedef int64_t sb_vl __attribute__((vector_size(SB_BYTES), may_alias));

#include "real_none.h"
#define R double
#define V sb_vd
#define VI sb_vl
#define W SB_WD
#define LOAD sb_load_d
#define STORE sb_store_d
#define ALL sb_all_d
#define FMA sb_fma_d
#define ROOT __builtin_sqrt
#define MAGNITUDE 0x7fffffffffffffffLL
#define N(name) SB_NAMED(name, _double)
/* 0, 1, 2, ... */
#if SB_BYTES == 64
#define COUNT ((VI){0, 1, 2, 3, 4, 5, 6, 7})
#elif SB_BYTES == 32
#define COUNT ((VI){0, 1, 2, 3})
#else
#define COUNT ((VI){0, 1})
#endif
