/* How normalizations are parted among threads, and what they sum. */
#include "norms.h"
#include "sums.h"

enum { SB_FEWEST = 1 << 14 }; /* elements for a thread */

typedef void (*sb_norm_work)(const sb_norm *norm, int64_t from, int64_t to);

typedef struct {
  const sb_norm *norm;
  sb_norm_work work;
} sb_norm_task;

static void sb_some_items(void *task, int64_t from, int64_t to) {
  const sb_norm_task *t = task;
  t->work(t->norm, from, to);
}

/* `each`: elements of an item. */
static void sb_items(const sb_norm *norm, sb_norm_work work, int64_t items, int64_t each, int threads) {
  sb_norm_task task = {norm, work};
  sb_parallel(items, SB_FEWEST / (each < 1 ? 1 : each) + 1, threads, sb_some_items, &task);
}

/* The sums of a term and of y; either may be null. */
static int sb_two_sums(enum sb_term term, void *of_term, void *of_y, sb_summed sum, int wide, int threads) {
  if (of_term != NULL) sum.terms[sum.count] = term, sum.out[sum.count++] = of_term;
  if (of_y != NULL) sum.terms[sum.count] = SB_SUM_OF_Y, sum.out[sum.count++] = of_y;
  sum.divisor = 1;
  return sum.count > 0 ? sb_sum_up(&sum, wide, threads) : 0;
}

/* x, y, mean, rstd: [rows][n], [rows].  Returns 0. */
int sb_layer_norm(int dtype, const void *x, const void *weight, const void *bias, double eps, void *y,
                  void *mean, void *rstd, int64_t rows, int64_t n, int threads) {
  const sb_norm norm = {.o = rows,
                        .c = 1,
                        .l = n,
                        .eps = eps,
                        .x = x,
                        .weight = weight,
                        .bias = bias,
                        .out = y,
                        .mean = mean,
                        .rstd = rstd};
  sb_items(&norm, sb_norms_now()->layer[dtype == SB_F64], rows, n, threads);
  return 0;
}

/* dx, dw and db may be null.  Returns 0, or 1 where there is no memory. */
int sb_layer_norm_backward(int dtype, const void *grad, const void *x, void *mean, void *rstd,
                           const void *weight, void *dx, void *dw, void *db, int64_t rows, int64_t n,
                           int threads) {
  const int wide = dtype == SB_F64;
  const sb_norm norm = {.o = rows,
                        .c = 1,
                        .l = n,
                        .x = x,
                        .weight = weight,
                        .grad = grad,
                        .out = dx,
                        .mean = mean,
                        .rstd = rstd};
  if (dx != NULL) sb_items(&norm, sb_norms_now()->layer_backward[wide], rows, n, threads);
  const sb_layout columns = {0, 1, 0, n, 1, 1, 0, rows, n};
  return sb_two_sums(SB_STANDARD, dw, db,
                     (sb_summed){.at = &columns, .x = x, .y = grad, .row_m = mean, .row_r = rstd}, wide,
                     threads);
}

/* x, y: [O][C][L]; mean, rstd: [O][groups].  Returns 0. */
int sb_group_norm(int dtype, const void *x, const void *weight, const void *bias, double eps, void *y,
                  void *mean, void *rstd, int64_t o, int64_t c, int64_t l, int64_t groups, int threads) {
  const sb_norm norm = {.o = o,
                        .c = c,
                        .l = l,
                        .groups = groups,
                        .eps = eps,
                        .x = x,
                        .weight = weight,
                        .bias = bias,
                        .out = y,
                        .mean = mean,
                        .rstd = rstd};
  sb_items(&norm, sb_norms_now()->group[dtype == SB_F64], o * groups, c / groups * l, threads);
  return 0;
}

/* `work`: room for 3 [O][C].  dx, dw and db may be null.  Returns 0, or 1 where there is no memory. */
int sb_group_norm_backward(int dtype, const void *grad, const void *x, void *mean, void *rstd,
                           const void *weight, void *dx, void *dw, void *db, int64_t o, int64_t c, int64_t l,
                           int64_t groups, void *work, int threads) {
  const int wide = dtype == SB_F64;
  const int64_t size = wide ? 8 : 4, all = o * c * size, channels = c / groups;
  char *sums = work, *products = sums + all, *rstds = products + all;
  const sb_norm norm = {.o = o,
                        .c = c,
                        .l = l,
                        .groups = groups,
                        .x = x,
                        .weight = weight,
                        .grad = grad,
                        .out = dx,
                        .mean = mean,
                        .rstd = rstd,
                        .sums = sums,
                        .products = products};
  sb_items(&norm, sb_norms_now()->group_backward[wide], o * groups, channels * l, threads);
  for (int64_t n = 0; n < o * c; n++) memcpy(rstds + n * size, (char *)rstd + n / channels * size, size);
  const sb_layout columns = {0, 1, 0, c, 1, 1, 0, o, c};
  return sb_two_sums(SB_PRODUCTS, dw, NULL, (sb_summed){.at = &columns, .x = products, .y = rstds}, wide,
                     threads) ||
         sb_two_sums(SB_SUM, NULL, db, (sb_summed){.at = &columns, .x = sums, .y = sums}, wide, threads);
}

/* The sums of a channel: along rows where it is O runs of L, down columns where L is 1. */
static sb_layout sb_channels(int64_t o, int64_t c, int64_t l) {
  return l > 1 ? (sb_layout){1, 1, 0, c, l, o, c * l, l, 1} : (sb_layout){0, 1, 0, c, 1, 1, 0, o, c};
}

static void sb_batch_items(const sb_norm *norm, sb_norm_work work, int threads) {
  const int rows = norm->l == 1;
  sb_items(norm, work, rows ? norm->o : norm->o * norm->c, rows ? norm->c : norm->l, threads);
}

/* x, y: [O][C][L]; the others [C].  Returns 0, or 1 where there is no memory. */
int sb_batch_norm(int dtype, const void *x, const void *weight, const void *bias, void *running_mean,
                  void *running_var, int training, double momentum, double eps, void *y, void *mean,
                  void *rstd, int64_t o, int64_t c, int64_t l, int threads) {
  const int wide = dtype == SB_F64;
  const sb_layout channels = sb_channels(o, c, l);
  const sb_norm norm = {.o = o,
                        .c = c,
                        .l = l,
                        .eps = eps,
                        .x = x,
                        .weight = weight,
                        .bias = bias,
                        .out = y,
                        .mean = mean,
                        .rstd = rstd,
                        .running_mean = running_mean,
                        .running_var = running_var,
                        .training = training,
                        .momentum = momentum};
  if (training) {
    sb_summed sum = {.count = 1,
                     .terms = {SB_SUM},
                     .out = {mean},
                     .at = &channels,
                     .x = x,
                     .y = x,
                     .divisor = (double)(o * l)};
    if (sb_sum_up(&sum, wide, threads)) return 1;
    sum.terms[0] = SB_DEVIATIONS;
    sum.m = mean;
    sum.out[0] = rstd;
    sum.divisor = 1;
    if (sb_sum_up(&sum, wide, threads)) return 1;
  }
  sb_norms_now()->statistics[wide](&norm);
  sb_batch_items(&norm, sb_norms_now()->batch[wide], threads);
  return 0;
}

/* `work`: room for 5 [C].  mean and rstd are those of the batch or, without training, are made from the
   running ones in their place.  dx, dw and db may be null.  Returns 0, or 1 where there is no memory. */
int sb_batch_norm_backward(int dtype, const void *grad, const void *x, void *mean, void *rstd,
                           const void *weight, void *running_mean, void *running_var, int training,
                           double eps, void *dx, void *dw, void *db, int64_t o, int64_t c, int64_t l,
                           void *work, int threads) {
  const int wide = dtype == SB_F64;
  const int64_t size = (wide ? 8 : 4) * c;
  char *room = work;
  const sb_layout channels = sb_channels(o, c, l);
  const sb_norm norm = {.o = o,
                        .c = c,
                        .l = l,
                        .eps = eps,
                        .x = x,
                        .weight = weight,
                        .grad = grad,
                        .out = dx,
                        .mean = mean,
                        .rstd = rstd,
                        .sums = db != NULL ? db : room,
                        .products = dw != NULL ? dw : room + size,
                        .running_mean = running_mean,
                        .running_var = running_var,
                        .training = training,
                        .slope = room + 2 * size,
                        .shift = room + 3 * size,
                        .factor = room + 4 * size};
  if (!training) sb_norms_now()->statistics[wide](&norm);
  const sb_summed sums = {.at = &channels, .x = x, .y = grad, .m = mean};
  if (sb_two_sums(SB_COVARIANCE, training || dw != NULL ? norm.products : NULL,
                  training || db != NULL ? norm.sums : NULL, sums, wide, threads))
    return 1;
  sb_norms_now()->constants[wide](&norm);
  if (dx != NULL) sb_batch_items(&norm, sb_norms_now()->batch_backward[wide], threads);
  return 0;
}
