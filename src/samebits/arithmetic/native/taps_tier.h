/* The maps of taps.h with one set of instructions. */
#include "taps.h"

/* Outputs that are made together, whose sums stay in registers or a first-level cache. */
enum { SB_TAPS_BLOCK = 256 };

#include "real32.h"
#include "taps_lines.h"
#include "real64.h"
#include "taps_lines.h"

const sb_taps SB_NAMED(sb_taps_, SB_TIER) = {.map = {sb_map_float, sb_map_double}};
