/* Products and windows of one tier, in float and in double. */
#include "../../random/native/half.h"
#include "products.h"
#include "simd.h"

#define SB_HIGH 1008 /* rows that are done together: a whole number of panels of every tier */

static inline double sb_get(const void *data, int dtype, int64_t at) {
  switch (dtype) {
    case SB_F16: return sb_of_half(((const uint16_t *)data)[at]);
    case SB_BF16: return sb_of_bfloat(((const uint16_t *)data)[at]);
    case SB_F32: return ((const float *)data)[at];
    default: return ((const double *)data)[at];
  }
}

/* `value` is a float's where the dtype is not float64. */
static inline void sb_put(void *data, int dtype, int64_t at, double value) {
  switch (dtype) {
    case SB_F16: ((uint16_t *)data)[at] = sb_to_half((float)value); return;
    case SB_BF16: ((uint16_t *)data)[at] = sb_to_bfloat((float)value); return;
    case SB_F32: ((float *)data)[at] = (float)value; return;
    default: ((double *)data)[at] = value;
  }
}

/* The copy of a window's source that this thread has (windows.h). */
typedef struct {
  const sb_window *of;
  int64_t image, images, channel, channels;
  int64_t row, plane, all, part, image_apart; /* lengths of a row, a plane, a channel, a phase, an image */
  void *numbers;
  const void *end; /* of what may be read */
  int64_t *offsets; /* of the taps */
} sb_copy;

static __thread sb_copy sb_copied;

/* Whether every tap of every position is inside the source. */
static inline int sb_reaches_within(const sb_window *w) {
  for (int d = 0; d < 3; d++)
    if (w->low[d] != 0 || w->padded[d] > w->size[d]) return 0;
  return 1;
}

/* Where the result of a position belongs, and how many positions follow it along the row. */
static inline int64_t sb_place(const sb_window *w, int64_t position, int64_t *count) {
  const int64_t across = w->places[2], down = w->places[1], all = w->places[0] * down * across;
  const int64_t image = position / all, rest = position % all, x = rest % across;
  *count = across - x;
  return w->at_out + image * w->image_out + rest / across / down * w->to_out[0] + rest / across % down * w->to_out[1] +
         x * w->to_out[2];
}

/* Accumulators fill the registers: 14 x 2 of 32, 6 x 2 of 16, 6 x 4 of 32. */
#if defined(SB_TIER_IS_AVX512)
#define SB_ROWS 14
#define SB_PANEL 2
#elif defined(SB_TIER_IS_AVX2)
#define SB_ROWS 6
#define SB_PANEL 2
#elif defined(SB_TIER_IS_NEON)
#define SB_ROWS 6
#define SB_PANEL 4
#else
#define SB_ROWS 4
#define SB_PANEL 2
#endif

#include "real32.h"
#include "blocks.h"
#include "windows.h"
#include "depthwise.h"

#include "real64.h"
#include "blocks.h"
#include "windows.h"
#include "depthwise.h"
#include "real_none.h"

const sb_products SB_NAMED(sb_products_, SB_TIER) = {
    .rows = {SB_ROWS, SB_ROWS},
    .columns = {SB_PANEL * SB_W, SB_PANEL * SB_WD},
    .pack_matrix = {sb_pack_matrix_float, sb_pack_matrix_double},
    .pack_positions = {sb_pack_positions_float, sb_pack_positions_double},
    .pack_taps = {sb_pack_taps_float, sb_pack_taps_double},
    .pack_results = {sb_pack_results_float, sb_pack_results_double},
    .prepare_positions = {sb_prepare_positions_float, sb_prepare_positions_double},
    .prepare_taps = {sb_prepare_taps_float, sb_prepare_taps_double},
    .block = {sb_product_block_float, sb_product_block_double},
    .lanes = {SB_W, SB_WD},
    .depthwise = {sb_depthwise_float, sb_depthwise_double},
    .depthwise_weights = {sb_depthwise_weights_float, sb_depthwise_weights_double},
};
