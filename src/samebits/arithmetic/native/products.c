/* Products of matrices and convolutions: cut into blocks for the threads. */
#include "products.h"

#define SB_WORTH 400000 /* multiplications that are worth a thread */
#define SB_WIDE 512     /* columns that are done together */

typedef struct {
  sb_product one;            /* the first of the batch */
  int64_t batch;             /* how many, and how far apart: */
  int64_t to_a, to_b, to_out, to_bias;
  int wide;                  /* whether it is computed in double */
  int64_t down, across;      /* into how many blocks each is cut */
  int failed;
} sb_job;

static const int64_t sb_bytes[SB_DTYPES] = {2, 2, 4, 8};

static int64_t sb_cut(int64_t length, int64_t unit, int64_t parts, int64_t part) {
  const int64_t units = (length + unit - 1) / unit, at = (units * part / parts) * unit;
  return at < length ? at : length;
}

static void sb_blocks(void *what, int64_t from, int64_t to) {
  sb_job *job = what;
  const sb_products *tier = sb_products_now();
  const int64_t cells = job->down * job->across;
  for (int64_t item = from; item < to; item++) {
    const int64_t n = item / cells, down = item % cells / job->across, across = item % cells % job->across;
    sb_product p = job->one;
    sb_window w;
    p.a.data = (const char *)p.a.data + n * job->to_a * sb_bytes[p.a.dtype];
    p.out.data = (char *)p.out.data + n * job->to_out * sb_bytes[p.out.dtype];
    if (p.bias) p.bias = (const char *)p.bias + n * job->to_bias * sb_bytes[p.bias_dtype];
    if (p.b.window) {
      w = *p.b.window;
      w.data = (const char *)w.data + n * job->to_b * sb_bytes[w.dtype];
      p.b.window = &w;
    } else
      p.b.data = (const char *)p.b.data + n * job->to_b * sb_bytes[p.b.dtype];
    const int64_t rows = tier->rows[job->wide], columns = tier->columns[job->wide];
    if (tier->block[job->wide](&p, sb_cut(p.m, rows, job->down, down), sb_cut(p.m, rows, job->down, down + 1),
                               sb_cut(p.n, columns, job->across, across),
                               sb_cut(p.n, columns, job->across, across + 1)))
      __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
  }
}

/* A convolution of groups of one channel and one output: so many channels, in lanes. */
static int sb_is_depthwise(const sb_job *job, const sb_window *w) {
  return job->one.m == 1 && w->channels == 1 && job->batch > 1 && w->taps <= SB_CHUNK;
}

static int64_t sb_lanes_of(const sb_job *job, int64_t block, int *lanes) {
  const int64_t all = sb_products_now()->lanes[job->wide], channel = block * all;
  *lanes = (int)(job->batch - channel < all ? job->batch - channel : all);
  return channel;
}

static void sb_depthwise_images(void *what, int64_t from, int64_t to) {
  sb_job *job = what;
  const sb_products *tier = sb_products_now();
  const int64_t blocks = (job->batch + tier->lanes[job->wide] - 1) / tier->lanes[job->wide];
  for (int64_t item = from; item < to; item++) {
    int lanes;
    const int64_t channel = sb_lanes_of(job, item % blocks, &lanes);
    if (tier->depthwise[job->wide](&job->one, job->one.out.window, item / blocks, channel, lanes)) job->failed = 1;
  }
}

static void sb_depthwise_channels(void *what, int64_t from, int64_t to) {
  sb_job *job = what;
  for (int64_t item = from; item < to; item++) {
    int lanes;
    const int64_t channel = sb_lanes_of(job, item, &lanes);
    if (sb_products_now()->depthwise_weights[job->wide](&job->one, job->one.b.window, channel, lanes)) job->failed = 1;
  }
}

static int sb_do_depthwise(sb_job *job, const sb_window *w, int threads, int of_weights) {
  const int64_t blocks = (job->batch + sb_products_now()->lanes[job->wide] - 1) / sb_products_now()->lanes[job->wide];
  const int64_t items = of_weights ? blocks : blocks * w->images;
  const double work = (double)job->batch * w->images * w->places[0] * w->places[1] * w->places[2] * (w->taps + 8);
  const double least = work < 1 ? 1 : SB_WORTH / 4 * items / work + 1;
  sb_parallel(items, (int64_t)least, threads, of_weights ? sb_depthwise_channels : sb_depthwise_images, job);
  return job->failed;
}

/* Cut each product into so many blocks that every thread has one, the largest block as small as can be. */
static int sb_do(sb_job *job, int threads) {
  const sb_product *p = &job->one;
  const sb_products *tier = sb_products_now();
  const int64_t rows = tier->rows[job->wide], columns = tier->columns[job->wide];
  const int64_t down = (p->m + rows - 1) / rows, across = (p->n + columns - 1) / columns;
  const double work = (double)job->batch * p->m * p->n * (p->k + 16);
  int64_t parts = work / SB_WORTH < threads ? (int64_t)(work / SB_WORTH) : threads;
  parts = parts < 1 ? 1 : parts;
  job->down = job->across = 1;
  if (p->m == 0 || p->n == 0 || job->batch == 0) return 0;
  if (job->batch < parts * 4 && job->batch % parts != 0) {
    double best = 0;
    const int64_t each = (parts + job->batch - 1) / job->batch;
    for (int64_t d = 1; d <= each && d <= down; d++) {
      const int64_t a = (each / d) < across ? each / d : across;
      const double high = (double)((down + d - 1) / d) * rows, wide = (double)((across + a - 1) / a) * columns;
      const double cost = high * wide + 8 * (high + wide); /* a multiplication; a number's packing, a k */
      if (best == 0 || cost < best) best = cost, job->down = d, job->across = a;
    }
  }
  sb_parallel(job->batch * job->down * job->across, 1, (int)parts, sb_blocks, job);
  return job->failed;
}

static void sb_columns(const sb_result *o, int64_t column, int columns, int64_t *places) {
  for (int c = 0; c < columns; c++) places[c] = (column + c) * o->column;
}

static int64_t sb_result_of(const sb_window *w, int64_t position) {
  const int64_t across = w->places[2], down = w->places[1], all = w->places[0] * down * across;
  const int64_t image = position / all, rest = position % all;
  return w->at_out + image * w->image_out + rest / across / down * w->to_out[0] + rest / across % down * w->to_out[1] +
         rest % across * w->to_out[2];
}

static void sb_positions(const sb_result *o, int64_t column, int columns, int64_t *places) {
  const int64_t across = o->window->places[2];
  for (int c = 0; c < columns;) {
    int64_t left = across - (column + c) % across, at = sb_result_of(o->window, column + c);
    for (; left > 0 && c < columns; c++, left--, at += o->window->to_out[2]) places[c] = at;
  }
}

/* out = beta * bias + alpha * a b, for each of a batch.

   `what`: batch, m, n, k; how far a's batches, rows, numbers; b's batches, numbers (of one k after another: rows),
   columns; out's batches, rows, columns; the bias' batches, rows, columns lie apart; dtypes of a, b, out, bias. */
int sb_matrices(const void *a, const void *b, void *out, const void *bias, double alpha, double beta,
                const int64_t *what, int threads) {
  const sb_products *tier = sb_products_now();
  const int wide = what[16] == SB_F64;
  sb_job job = {
      .batch = what[0], .to_a = what[4], .to_b = what[7], .to_out = what[10], .to_bias = what[13], .wide = wide,
      .one = {
          .m = what[1], .n = what[2], .k = what[3], .wide = SB_WIDE,
          .a = {.pack = tier->pack_matrix[wide], .data = a, .dtype = (int)what[16], .line = what[5], .along = what[6]},
          .b = {.pack = tier->pack_matrix[wide], .data = b, .dtype = (int)what[17], .line = what[9], .along = what[8]},
          .out = {.data = out, .dtype = (int)what[18], .row = what[11], .column = what[12],
                  .is_run = what[12] == 1, .places = sb_columns},
          .bias = bias, .bias_dtype = (int)what[19], .bias_row = what[14], .bias_column = what[15],
          .alpha = alpha, .beta = beta,
      }};
  return sb_do(&job, threads);
}

/* The numbers of a window: in the order of the struct, and then its taps. */
static void sb_read_window(sb_window *w, const void *data, const int64_t *g) {
  *w = (sb_window){.data = data, .dtype = (int)g[0], .images = g[1], .channels = g[2], .to_image = g[6],
                   .to_channel = g[7], .taps = g[23], .image_out = g[24], .at_out = g[25], .tap = g + 29};
  for (int d = 0; d < 3; d++) {
    w->size[d] = g[3 + d], w->to[d] = g[8 + d], w->low[d] = g[11 + d], w->padded[d] = g[14 + d];
    w->step[d] = g[17 + d], w->places[d] = g[20 + d], w->to_out[d] = g[26 + d];
  }
}

/* Whether positions that are neighbours in number are neighbours in memory from one end of an image to the other. */
static int sb_one_run(const sb_window *w) {
  return w->to_out[2] == 1 && (w->places[1] == 1 || w->to_out[1] == w->places[2]) &&
         (w->places[0] == 1 || w->to_out[0] == w->places[1] * w->places[2]);
}

/* So many columns that the copy of their images stays in a cache. */
static int64_t sb_wide_of(const sb_window *w, int64_t channels) {
  const int64_t all = w->places[0] * w->places[1] * w->places[2];
  const double image = (double)w->padded[0] * w->padded[1] * w->padded[2] * (channels < w->channels ? channels : w->channels);
  const double columns = (double)(1 << 20) / (image < 1 ? 1 : image) * all; /* 4 MB */
  return columns > SB_WIDE ? SB_WIDE : columns < 64 ? 64 : (int64_t)columns / 64 * 64;
}

/* Each output is the product of a row of weights with what its window covers: a convolution, or its derivative with
   respect to its input.  Weights are [groups][m][channels][taps].

   `what`: groups, m, how far a row of weights, a group's weights, the source, the results, the bias lie apart,
   how far rows of the result lie apart, dtypes of weights, result, bias; then the window's. */
int sb_convolve(const void *weight, const void *source, void *out, const void *bias, const int64_t *what, int threads) {
  const sb_products *tier = sb_products_now();
  const int wide = what[8] == SB_F64;
  sb_window w;
  sb_read_window(&w, source, what + 11);
  const int64_t k = w.channels * w.taps;
  sb_job job = {
      .batch = what[0], .to_a = what[3], .to_b = what[4], .to_out = what[5], .to_bias = what[6], .wide = wide,
      .one = {
          .m = what[1], .n = w.images * w.places[0] * w.places[1] * w.places[2], .k = k,
          .wide = sb_wide_of(&w, SB_CHUNK / (w.taps < 1 ? 1 : w.taps) + 1),
          .a = {.pack = tier->pack_matrix[wide], .data = weight, .dtype = (int)what[8], .line = what[2], .along = 1},
          .b = {.pack = tier->pack_positions[wide], .prepare = tier->prepare_positions[wide], .window = &w},
          .out = {.data = out, .dtype = (int)what[9], .row = what[7], .is_run = sb_one_run(&w),
                  .places = sb_positions, .window = &w},
          .bias = bias, .bias_dtype = (int)what[10], .bias_row = 1, .alpha = 1, .beta = 1,
      }};
  if (sb_is_depthwise(&job, &w)) return sb_do_depthwise(&job, &w, threads, 0);
  return sb_do(&job, threads);
}

/* Each output is the product of a channel of gradients with a tap of the source: the derivative of a convolution with
   respect to its weights, [groups][m][channels][taps], contiguous.

   `what`: groups, m, how far a channel of gradients, a group's gradients, the source lie apart, dtypes of gradients
   and of the result; then the window's, whose results are the gradients. */
int sb_correlate(const void *gradient, const void *source, void *out, const int64_t *what, int threads) {
  const sb_products *tier = sb_products_now();
  const int wide = what[5] == SB_F64;
  sb_window w;
  sb_read_window(&w, source, what + 7);
  const int64_t n = w.channels * w.taps;
  sb_job job = {
      .batch = what[0], .to_a = what[3], .to_b = what[4], .to_out = what[1] * n, .wide = wide,
      .one = {
          .m = what[1], .n = n, .k = w.images * w.places[0] * w.places[1] * w.places[2], .wide = SB_WIDE,
          .a = {.pack = tier->pack_results[wide], .data = gradient, .dtype = (int)what[5], .line = what[2], .window = &w},
          .b = {.pack = tier->pack_taps[wide], .prepare = tier->prepare_taps[wide], .window = &w},
          .out = {.data = out, .dtype = (int)what[6], .row = n, .column = 1, .is_run = 1, .places = sb_columns},
          .alpha = 1, .beta = 1,
      }};
  if (sb_is_depthwise(&job, &w)) return sb_do_depthwise(&job, &w, threads, 1);
  return sb_do(&job, threads);
}
