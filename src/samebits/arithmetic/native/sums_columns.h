/* Sums down columns, for float or double.  A block is at most 256 columns side by side; lane j of all of them
   is a row of `lanes`.  Where the rows of a block lie one after the other in memory, 16 rows are one run,
   which is added to all the lanes at once. */

/* Some of the elements of lanes, side by side for all columns: at `at` after each of `count` places of x and
   y. m is of the columns; of SB_STANDARD, m and r are of the places. */
typedef struct {
  const R *const *x, *const *y, *m, *r;
  int64_t at;
  int count;
  int begun; /* the lanes have elements already */
} N(sb_places);

SB_INLINE void N(sb_down)(enum sb_term term, const N(sb_places) * p, int64_t width, R *lanes) {
  const int two = N(sb_reads_y)(term), of_place = term == SB_STANDARD;
  int64_t c = 0;
  for (; c + 4 * W <= width; c += 4 * W) {
    const int64_t at = p->at + c;
    V lane[4], m[4];
    for (int v = 0; v < 4; v++) {
      lane[v] = p->begun ? LOAD(lanes + c + v * W) : ALL(N(sb_start)(term));
      m[v] = of_place ? lane[v] : LOAD(p->m + at + v * W);
    }
    for (int k = 0; k < p->count; k++)
#pragma GCC unroll 4
      for (int v = 0; v < 4; v++)
        lane[v] =
            N(sb_step)(term, lane[v], LOAD(p->x[k] + at + v * W), two ? LOAD(p->y[k] + at + v * W) : lane[v],
                       of_place ? ALL(p->m[k]) : m[v], of_place ? ALL(p->r[k]) : m[v]);
    for (int v = 0; v < 4; v++) STORE(lanes + c + v * W, lane[v]);
  }
  for (; c < width; c += W) {
    const int64_t left = width - c, at = p->at + c;
    V lane = p->begun ? N(sb_get)(lanes + c, left) : ALL(N(sb_start)(term));
    const V m = of_place ? lane : N(sb_get)(p->m + at, left);
    for (int k = 0; k < p->count; k++)
      lane = N(sb_step)(term, lane, N(sb_get)(p->x[k] + at, left), two ? N(sb_get)(p->y[k] + at, left) : lane,
                        of_place ? ALL(p->m[k]) : m, of_place ? ALL(p->r[k]) : m);
    N(sb_put)(lanes + c, lane, left);
  }
}

typedef void (*N(sb_downward))(const N(sb_places) * p, int64_t width, R *lanes);
#define SB_DOWN(NAME, TERM)                                                                                  \
  static void N(sb_down_##NAME)(const N(sb_places) * p, int64_t width, R *lanes) {                           \
    N(sb_down)(TERM, p, width, lanes);                                                                       \
  }
SB_DOWN(sum, SB_SUM)
SB_DOWN(magnitudes, SB_MAGNITUDES)
SB_DOWN(squares, SB_SQUARES)
SB_DOWN(products, SB_PRODUCTS)
SB_DOWN(deviations, SB_DEVIATIONS)
SB_DOWN(covariance, SB_COVARIANCE)
SB_DOWN(product, SB_PRODUCT)
SB_DOWN(standard, SB_STANDARD)
SB_DOWN(sum_of_y, SB_SUM_OF_Y)
SB_DOWN(maximum, SB_MAXIMUM)
SB_DOWN(minimum, SB_MINIMUM)
#undef SB_DOWN

static const N(sb_downward) N(sb_downwards)[SB_TERMS] = {
    [SB_SUM] = N(sb_down_sum),
    [SB_MAGNITUDES] = N(sb_down_magnitudes),
    [SB_SQUARES] = N(sb_down_squares),
    [SB_PRODUCTS] = N(sb_down_products),
    [SB_DEVIATIONS] = N(sb_down_deviations),
    [SB_COVARIANCE] = N(sb_down_covariance),
    [SB_PRODUCT] = N(sb_down_product),
    [SB_STANDARD] = N(sb_down_standard),
    [SB_SUM_OF_Y] = N(sb_down_sum_of_y),
    [SB_MAXIMUM] = N(sb_down_maximum),
    [SB_MINIMUM] = N(sb_down_minimum),
};

SB_INLINE void N(sb_run_joined_by)(enum sb_term term, R *to, const R *a, const R *b, int64_t n) {
  int64_t i = 0;
  for (; i + W <= n; i += W) STORE(to + i, N(sb_join)(term, LOAD(a + i), LOAD(b + i)));
  if (i < n) N(sb_put)(to + i, N(sb_join)(term, N(sb_get)(a + i, n - i), N(sb_get)(b + i, n - i)), n - i);
}
static void N(sb_joined_run)(enum sb_term term, R *to, const R *a, const R *b, int64_t n) {
  switch (sb_next(term)) {
    case SB_PRODUCT: N(sb_run_joined_by)(SB_PRODUCT, to, a, b, n); break;
    case SB_MAXIMUM: N(sb_run_joined_by)(SB_MAXIMUM, to, a, b, n); break;
    case SB_MINIMUM: N(sb_run_joined_by)(SB_MINIMUM, to, a, b, n); break;
    default: N(sb_run_joined_by)(SB_SUM, to, a, b, n);
  }
}

/* The lanes of one chunk, of 0 < rows <= 256 from `first`, joined, to out[t][w].  m is repeated 16 times.

   Few rows are read at a time: their addresses, a multiple of the rows' distance from each other, would put
   each other out of the cache. */
static void N(sb_block_chunk)(const sb_summed *sum, const sb_layout *at, const R *x, const R *y, const R *m,
                              int64_t first, int rows, int w, R *const out[2]) {
  enum { LANES = SB_SUM_LANES, PLACES = SB_SUM_CHUNK / SB_SUM_LANES, FEW = 8 };
  const R *xs[LANES][PLACES], *ys[LANES][PLACES];
  R ms[LANES][PLACES], rs[LANES][PLACES], lanes[2][LANES * SB_SUM_BLOCK];
  const int run = at->a == 1 && at->sb == w; /* 16 rows are one run */
  const int standard = sum->terms[0] == SB_STANDARD, groups = rows / LANES, more = rows % LANES;
  if (run) {
    for (int k = 0; k < PLACES && k * LANES < rows; k++) {
      xs[0][k] = x + (first + k * LANES) * w;
      ys[0][k] = y + (first + k * LANES) * w;
    }
  } else {
    int64_t a = first / at->b, b = first % at->b;
    for (int r = 0; r < rows; r++) {
      xs[r % LANES][r / LANES] = x + a * at->sa + b * at->sb;
      ys[r % LANES][r / LANES] = y + a * at->sa + b * at->sb;
      if (++b == at->b) b = 0, a++;
    }
  }
  if (standard)
    for (int r = 0; r < rows; r++) {
      ms[r % LANES][r / LANES] = ((const R *)sum->row_m)[first + r];
      rs[r % LANES][r / LANES] = ((const R *)sum->row_r)[first + r];
    }
  for (int k = 0; k * LANES < rows; k += FEW)
    for (int t = 0; t < sum->count; t++) {
      const N(sb_downward) down = N(sb_downwards)[sum->terms[t]];
      N(sb_places) p = {xs[0] + k, ys[0] + k, m, NULL, 0, 0, k > 0};
      if (run && sum->terms[t] != SB_STANDARD) {
        p.count = groups - k < FEW ? groups + (more > 0) - k : FEW;
        if (p.count > FEW) p.count = FEW;
        if (more > 0) down(&p, more * w, lanes[t]);
        p.count = groups - k < FEW ? groups - k : FEW;
        p.at = more * w;
        if (groups > 0) down(&p, (LANES - more) * w, lanes[t] + more * w);
        continue;
      }
      for (int j = 0; j < LANES && j < rows; j++) {
        const int there = groups + (j < more) - k;
        p.count = there < FEW ? there : FEW;
        p.x = run ? NULL : xs[j] + k;
        p.y = run ? NULL : ys[j] + k;
        const R *in_x[FEW], *in_y[FEW];
        if (run) {
          for (int i = 0; i < p.count; i++) in_x[i] = xs[0][k + i] + j * w, in_y[i] = ys[0][k + i] + j * w;
          p.x = in_x;
          p.y = in_y;
        }
        if (sum->terms[t] == SB_STANDARD) p.m = ms[j] + k, p.r = rs[j] + k;
        down(&p, w, lanes[t] + j * w);
      }
    }
  for (int t = 0; t < sum->count; t++) {
    /* Lanes beyond `rows` are absent: they would change nothing. */
    int there = rows < LANES ? rows : LANES;
    for (int half = LANES / 2; half > 0; half /= 2) {
      if (half >= there) continue;
      R *to = half == 1 ? out[t] : lanes[t];
      const int64_t both = (int64_t)(there - half) * w;
      N(sb_joined_run)(sum->terms[t], to, lanes[t], lanes[t] + half * w, both);
      there = half;
    }
    if (rows == 1) memcpy(out[t], lanes[t], w * sizeof(R));
  }
}

/* The chunks first .. first + count - 1 of a block, to out[t][count][stride]. */
static void N(sb_block_chunks)(const sb_summed *sum, const sb_layout *at, const R *x, const R *y, const R *m,
                               int w, int64_t first, int64_t count, R *const out[2], int64_t stride) {
  const int64_t n = at->a * at->b;
  R repeated[SB_SUM_LANES * SB_SUM_BLOCK];
  if (m != NULL)
    for (int j = 0; j < SB_SUM_LANES; j++) memcpy(repeated + j * w, m, w * sizeof(R));
  for (int64_t chunk = first; chunk < first + count; chunk++) {
    const int64_t from = chunk * SB_SUM_CHUNK, to = (chunk - first) * stride;
    const int rows = n - from < SB_SUM_CHUNK ? (int)(n - from) : SB_SUM_CHUNK;
    R *const here[2] = {out[0] + to, out[1] + to};
    N(sb_block_chunk)(sum, at, x, y, repeated, from, rows, w, here);
  }
}

/* S of n rows of w, one after the other, which it overwrites; the result is the first row. */
static void N(sb_block_joined)(enum sb_term term, R *sums, int64_t n, int w) {
  R none[SB_SUM_LANES * SB_SUM_BLOCK];
  const sb_layout at = {.a = 1, .sb = w};
  const sb_summed sum = {.count = 1, .terms = {term}};
  for (int64_t chunks; n > 1; n = chunks) {
    chunks = sb_chunks_of(n);
    for (int64_t c = 0; c < chunks; c++) {
      const int64_t rows = n - c * SB_SUM_CHUNK;
      R *const out[2] = {sums + c * w};
      N(sb_block_chunk)(&sum, &at, sums, sums, none, c * SB_SUM_CHUNK,
                        rows < SB_SUM_CHUNK ? (int)rows : SB_SUM_CHUNK, w, out);
    }
  }
}

/* Where block n is, and its width. */
SB_INLINE int N(sb_block)(const sb_layout *at, int64_t n, int64_t *of_x, int64_t *of_out) {
  const int64_t blocks = sb_blocks_of(at->i), o = n / blocks, i = n % blocks * SB_SUM_BLOCK;
  *of_x = o * at->so + i;
  *of_out = o * at->i + i;
  return at->i - i < SB_SUM_BLOCK ? (int)(at->i - i) : SB_SUM_BLOCK;
}

static void N(sb_columns_total)(const sb_summed *sum, int64_t from, int64_t to) {
  const int64_t chunks = sb_chunks_of(sum->at->a * sum->at->b);
  for (int64_t block = from; block < to; block++) {
    int64_t of_x, of_out;
    const int w = N(sb_block)(sum->at, block, &of_x, &of_out);
    R one[2 * SB_SUM_BLOCK], *sums = chunks == 1 ? one : sb_scratch(SB_SLOT_B, 2 * chunks * w * sizeof(R));
    R *const out[2] = {sums, sums + chunks * w};
    N(sb_block_chunks)(sum, sum->at, (const R *)sum->x + of_x, (const R *)sum->y + of_x,
                       sum->m != NULL ? (const R *)sum->m + of_out : NULL, w, 0, chunks, out, w);
    for (int t = 0; t < sum->count; t++) {
      N(sb_block_joined)(sb_next(sum->terms[t]), out[t], chunks, w);
      for (int c = 0; c < w; c++) ((R *)sum->out[t])[of_out + c] = N(sb_finished)(sum, out[t][c]);
    }
  }
}

static void N(sb_columns_parts)(const sb_summed *sum, void *const parts[2], int64_t from, int64_t to) {
  const sb_layout *at = sum->at;
  const int64_t chunks = sb_chunks_of(at->a * at->b);
  while (from < to) {
    const int64_t block = from / chunks, chunk = from % chunks;
    const int64_t count = chunks - chunk < to - from ? chunks - chunk : to - from;
    int64_t of_x, of_out;
    const int w = N(sb_block)(at, block, &of_x, &of_out);
    const int64_t here = of_out / at->i * chunks * at->i + chunk * at->i + of_out % at->i;
    R *const out[2] = {(R *)parts[0] + here, (R *)parts[1] + here};
    N(sb_block_chunks)(sum, at, (const R *)sum->x + of_x, (const R *)sum->y + of_x,
                       sum->m != NULL ? (const R *)sum->m + of_out : NULL, w, chunk, count, out, at->i);
    from += count;
  }
}
