/* Softmax of rows and of blocks of columns, for float or double.

   exp and log are scalar formulas: loops of 16 elements over them become vectors. */

SB_INLINE V N(sb_larger)(V a, V b) { /* a > b ? a : b */
#if defined(SB_TIER_IS_AVX512)
  if (sizeof(R) == 4) return (V)_mm512_max_ps((__m512)a, (__m512)b);
  return (V)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(SB_TIER_IS_AVX2)
  if (sizeof(R) == 4) return (V)_mm256_max_ps((__m256)a, (__m256)b);
  return (V)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  const VI larger = a > b;
  return (V)(((VI)a & larger) | ((VI)b & ~larger));
#endif
}

/* A group of 16 elements is as many vectors. */
typedef union {
  V v[16 / W];
  R r[16];
} N(sb_sixteen);

SB_INLINE void N(sb_get_sixteen)(N(sb_sixteen) * g, const R *p, int64_t n) {
  if (n >= 16)
    for (int k = 0; k < 16 / W; k++) g->v[k] = LOAD(p + k * W);
  else
    for (int k = 0; k < 16 / W; k++) g->v[k] = n > k * W ? N(sb_get)(p + k * W, n - k * W) : (V){0};
}

SB_INLINE void N(sb_put_sixteen)(const N(sb_sixteen) * g, R *p, int64_t n) {
  if (n >= 16)
    for (int k = 0; k < 16 / W; k++) STORE(p + k * W, g->v[k]);
  else
    for (int k = 0; k < 16 / W; k++)
      if (n > k * W) N(sb_put)(p + k * W, g->v[k], n - k * W);
}

SB_INLINE void N(sb_exps)(N(sb_sixteen) * g) {
  for (int k = 0; k < 16; k++) g->r[k] = N(sb_exp_of)(g->r[k]);
}

static R N(sb_largest)(const R *x, int64_t n) {
  V most[4];
  for (int k = 0; k < 4; k++) most[k] = ALL(-(R)INFINITY);
  int64_t at = 0;
  for (; at + 4 * W <= n; at += 4 * W)
    for (int k = 0; k < 4; k++) most[k] = N(sb_larger)(LOAD(x + at + k * W), most[k]);
  for (; at < n; at += W)
    most[0] = N(sb_select)(n - at, N(sb_larger)(N(sb_get)(x + at, n - at), most[0]), most[0]);
  V v = N(sb_larger)(N(sb_larger)(most[0], most[1]), N(sb_larger)(most[2], most[3]));
  if (W > 8) v = N(sb_larger)(v, N(sb_turn)(v, 8));
  if (W > 4) v = N(sb_larger)(v, N(sb_turn)(v, 4));
  if (W > 2) v = N(sb_larger)(v, N(sb_turn)(v, 2));
  return N(sb_larger)(v, N(sb_turn)(v, 1))[0];
}

/* out = exp(x - m), for one m. */
static void N(sb_row_exps)(const R *x, R m, R *out, int64_t n) {
  const V all = ALL(m);
  for (int64_t at = 0; at < n; at += 16) {
    N(sb_sixteen) g;
    N(sb_get_sixteen)(&g, x + at, n - at);
    for (int k = 0; k < 16 / W; k++) g.v[k] = g.v[k] - all;
    N(sb_exps)(&g);
    N(sb_put_sixteen)(&g, out + at, n - at);
  }
}

static void N(sb_softmax_rows)(const sb_softmax *s, int64_t from, int64_t to) {
  const int64_t n = s->n;
  for (int64_t row = from; row < to; row++) {
    const R *x = (const R *)s->x + row * n, *grad = (const R *)s->grad + row * n;
    R *out = (R *)s->out + row * n;
    switch (s->kind) {
      case SB_SOFTMAX: {
        N(sb_row_exps)(x, N(sb_largest)(x, n), out, n);
        const V sum = ALL(N(sb_run_sum)(out, out, 0, n));
        for (int64_t at = 0; at < n; at += W) N(sb_put)(out + at, N(sb_get)(out + at, n - at) / sum, n - at);
        break;
      }
      case SB_LOG_SOFTMAX: {
        const R most = N(sb_largest)(x, n);
        N(sb_row_exps)(x, most, out, n);
        const V log = ALL(N(sb_log_of)(N(sb_run_sum)(out, out, 0, n))), m = ALL(most);
        for (int64_t at = 0; at < n; at += W)
          N(sb_put)(out + at, (N(sb_get)(x + at, n - at) - m) - log, n - at);
        break;
      }
      case SB_SOFTMAX_BACKWARD: {
        const V d = ALL(N(sb_run_products)(grad, x, 0, n));
        for (int64_t at = 0; at < n; at += W)
          N(sb_put)(out + at, N(sb_get)(x + at, n - at) * (N(sb_get)(grad + at, n - at) - d), n - at);
        break;
      }
      case SB_LOG_SOFTMAX_BACKWARD: {
        const V sum = ALL(N(sb_run_sum)(grad, grad, 0, n));
        for (int64_t at = 0; at < n; at += 16) {
          N(sb_sixteen) e, g;
          N(sb_get_sixteen)(&e, x + at, n - at);
          N(sb_get_sixteen)(&g, grad + at, n - at);
          N(sb_exps)(&e);
          for (int k = 0; k < 16 / W; k++) g.v[k] = FMA(-e.v[k], sum, g.v[k]);
          N(sb_put_sixteen)(&g, out + at, n - at);
        }
      }
    }
  }
}

/* The largest of each of w columns, `apart` from row to row. */
static void N(sb_block_largest)(const R *x, int64_t apart, int64_t rows, int w, R *most) {
  for (int c = 0; c < w; c += 16) {
    N(sb_sixteen) all, g;
    for (int k = 0; k < 16 / W; k++) all.v[k] = ALL(-(R)INFINITY);
    for (int64_t r = 0; r < rows; r++) {
      N(sb_get_sixteen)(&g, x + r * apart + c, w - c);
      for (int k = 0; k < 16 / W; k++) all.v[k] = N(sb_larger)(g.v[k], all.v[k]);
    }
    N(sb_put_sixteen)(&all, most + c, w - c);
  }
}

/* S or D of each column. */
static void N(sb_block_sums)(enum sb_term term, const R *x, const R *y, int64_t apart, int64_t rows, int w,
                             R *out) {
  const sb_layout at = {.a = 1, .b = rows, .sb = apart};
  const sb_summed sum = {.count = 1, .terms = {term}};
  const int64_t chunks = sb_chunks_of(rows);
  R few[SB_SOFTMAX_BLOCK],
      *sums = chunks * w <= SB_SOFTMAX_BLOCK ? few : sb_scratch(SB_SLOT_B, chunks * w * sizeof(R));
  R *const to[2] = {sums};
  N(sb_block_chunks)(&sum, &at, x, y, NULL, w, 0, chunks, to, w);
  N(sb_block_joined)(SB_SUM, sums, chunks, w);
  memcpy(out, sums, w * sizeof(R));
}

static void N(sb_softmax_columns)(const sb_softmax *s, int64_t from, int64_t to) {
  const int64_t wide = sb_softmax_block(s->n), blocks = (s->i + wide - 1) / wide;
  for (int64_t block = from; block < to; block++) {
    const int64_t start = block % blocks * wide, left = s->i - start;
    const int64_t here = block / blocks * s->n * s->i + start, apart = s->i;
    const int w = (int)(left < wide ? left : wide);
    const R *x = (const R *)s->x + here, *grad = (const R *)s->grad + here;
    R *out = (R *)s->out + here, most[SB_SOFTMAX_BLOCK], sums[SB_SOFTMAX_BLOCK];
    const int forward = s->kind == SB_SOFTMAX || s->kind == SB_LOG_SOFTMAX;
    if (forward) {
      N(sb_block_largest)(x, apart, s->n, w, most);
      for (int64_t r = 0; r < s->n; r++)
        for (int c = 0; c < w; c += 16) {
          N(sb_sixteen) g, m;
          N(sb_get_sixteen)(&g, x + r * apart + c, w - c);
          N(sb_get_sixteen)(&m, most + c, w - c);
          for (int k = 0; k < 16 / W; k++) g.v[k] = g.v[k] - m.v[k];
          N(sb_exps)(&g);
          N(sb_put_sixteen)(&g, out + r * apart + c, w - c);
        }
      N(sb_block_sums)(SB_SUM, out, out, apart, s->n, w, sums);
      if (s->kind == SB_LOG_SOFTMAX)
        for (int c = 0; c < w; c++) sums[c] = N(sb_log_of)(sums[c]);
    } else {
      N(sb_block_sums)(s->kind == SB_SOFTMAX_BACKWARD ? SB_PRODUCTS : SB_SUM, grad,
                       s->kind == SB_SOFTMAX_BACKWARD ? x : grad, apart, s->n, w, sums);
    }
    for (int64_t r = 0; r < s->n; r++)
      for (int c = 0; c < w; c += 16) {
        N(sb_sixteen) a, b, sum;
        N(sb_get_sixteen)(&sum, sums + c, w - c);
        N(sb_get_sixteen)(&a, (s->kind == SB_SOFTMAX ? out : x) + r * apart + c, w - c);
        N(sb_get_sixteen)(&b, forward ? most + c : grad + r * apart + c, w - c);
        if (s->kind == SB_LOG_SOFTMAX_BACKWARD) N(sb_exps)(&a);
        for (int k = 0; k < 16 / W; k++) switch (s->kind) {
            case SB_SOFTMAX: a.v[k] = a.v[k] / sum.v[k]; break;
            case SB_LOG_SOFTMAX: a.v[k] = (a.v[k] - b.v[k]) - sum.v[k]; break;
            case SB_SOFTMAX_BACKWARD: a.v[k] = a.v[k] * (b.v[k] - sum.v[k]); break;
            case SB_LOG_SOFTMAX_BACKWARD: a.v[k] = FMA(-a.v[k], sum.v[k], b.v[k]);
          }
        N(sb_put_sixteen)(&a, out + r * apart + c, w - c);
      }
  }
}
