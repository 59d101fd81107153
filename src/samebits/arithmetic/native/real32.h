/* The names that a file included for float and for double is written in: here those of float. */
#include "simd.h"

#include "real_none.h"
#define R float
#define V sb_vf
#define VI sb_vi
#define W SB_W
#define LOAD sb_load
#define STORE sb_store
#define ALL sb_all
#define FMA sb_fma
#define ROOT __builtin_sqrtf
#define MAGNITUDE 0x7fffffff
#define N(name) SB_NAMED(name, _float)
/* 0, 1, 2, ... */
#if SB_BYTES == 64
#define COUNT ((VI){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif SB_BYTES == 32
#define COUNT ((VI){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define COUNT ((VI){0, 1, 2, 3})
#endif
