/* Vectors of float or double (see real32.h, real64.h), their ends, and the lanes of a chunk of a row. */

/* As choices.h has it: NaN if one is, and of zeros of both signs the larger is +0, the smaller -0. */
SB_INLINE V N(sb_chosen_by)(V a, V b, VI takes_a, VI equal) {
  const VI same = (VI)(a == b), kept = ((VI)a & takes_a) | ((VI)b & ~takes_a);
  return (V)((equal & same) | (kept & ~same));
}
SB_INLINE V N(sb_maximum)(V a, V b) { return N(sb_chosen_by)(a, b, (VI)(a > b) | (VI)(a != a), (VI)a & (VI)b); }
SB_INLINE V N(sb_minimum)(V a, V b) { return N(sb_chosen_by)(a, b, (VI)(a < b) | (VI)(a != a), (VI)a | (VI)b); }

SB_INLINE V N(sb_join)(enum sb_term term, V a, V b) {
  switch (term) {
    case SB_PRODUCT: return a * b;
    case SB_MAXIMUM: return N(sb_maximum)(a, b);
    case SB_MINIMUM: return N(sb_minimum)(a, b);
    default: return a + b;
  }
}

/* What a lane begins with. */
SB_INLINE R N(sb_start)(enum sb_term term) {
  switch (term) {
    case SB_PRODUCT: return (R)1;
    case SB_MAXIMUM: return -(R)INFINITY;
    case SB_MINIMUM: return (R)INFINITY;
    default: return -(R)0;
  }
}

SB_INLINE V N(sb_step)(enum sb_term term, V lane, V x, V y, V m, V r) {
  switch (term) {
    case SB_MAGNITUDES: return lane + (V)((VI)x & MAGNITUDE);
    case SB_SQUARES: return FMA(x, x, lane);
    case SB_PRODUCTS: return FMA(x, y, lane);
    case SB_DEVIATIONS: return FMA(x - m, x - m, lane);
    case SB_COVARIANCE: return FMA(y, x - m, lane);
    case SB_STANDARD: return FMA(y, (x - m) * r, lane);
    case SB_PRODUCT: return lane * x;
    case SB_SUM_OF_Y: return lane + y;
    case SB_MAXIMUM: return N(sb_maximum)(lane, x);
    case SB_MINIMUM: return N(sb_minimum)(lane, x);
    default: return lane + x;
  }
}

SB_INLINE int N(sb_reads_y)(enum sb_term term) {
  return term == SB_PRODUCTS || term == SB_COVARIANCE || term == SB_STANDARD || term == SB_SUM_OF_Y;
}

/* The first n elements of p, 0 <= n < W, and zeros. */
SB_INLINE V N(sb_some)(const R *p, int n) {
#if defined(SB_TIER_IS_AVX512)
  if (sizeof(R) == 4) return (V)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
  return (V)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#elif defined(SB_TIER_IS_AVX2)
  if (sizeof(R) == 4) return (V)_mm256_maskload_ps((const float *)p, (__m256i)(COUNT < n));
  return (V)_mm256_maskload_pd((const double *)p, (__m256i)(COUNT < n));
#else
  V v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
#endif
}

SB_INLINE void N(sb_put_some)(R *p, V v, int n) {
#if defined(SB_TIER_IS_AVX512)
  if (sizeof(R) == 4) _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
  else _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
#elif defined(SB_TIER_IS_AVX2)
  if (sizeof(R) == 4) _mm256_maskstore_ps((float *)p, (__m256i)(COUNT < n), (__m256)v);
  else _mm256_maskstore_pd((double *)p, (__m256i)(COUNT < n), (__m256d)v);
#else
  for (int i = 0; i < n; i++) p[i] = v[i];
#endif
}

/* At the end of a loop over vectors: what is left of p, n elements or a whole vector. */
SB_INLINE V N(sb_get)(const R *p, int64_t n) { return n >= W ? LOAD(p) : N(sb_some)(p, (int)n); }
SB_INLINE void N(sb_put)(R *p, V v, int64_t n) {
  if (n >= W) STORE(p, v);
  else N(sb_put_some)(p, v, (int)n);
}

/* a in the first n elements, b in the others. */
SB_INLINE V N(sb_select)(int64_t n, V a, V b) {
  const VI first = COUNT < (VI){0} + (int)(n < W ? n : W);
  return (V)(((VI)a & first) | ((VI)b & ~first));
}

/* v with element i + n in the place of i. */
SB_INLINE V N(sb_turn)(V v, int n) { return SB_SHUFFLE(v, (COUNT + n) & (W - 1)); }

/* The lanes of a chunk, joined in halves. */
SB_INLINE R N(sb_joined)(enum sb_term term, const V *lanes) {
  V all[SB_SUM_LANES / W];
  for (int l = 0; l < SB_SUM_LANES / W; l++) all[l] = lanes[l];
#pragma GCC unroll 4
  for (int half = SB_SUM_LANES / W / 2; half > 0; half /= 2)
#pragma GCC unroll 8
    for (int l = 0; l < half; l++) all[l] = N(sb_join)(term, all[l], all[l + half]);
  V v = all[0];
  if (W > 8) v = N(sb_join)(term, v, N(sb_turn)(v, 8));
  if (W > 4) v = N(sb_join)(term, v, N(sb_turn)(v, 4));
  if (W > 2) v = N(sb_join)(term, v, N(sb_turn)(v, 2));
  return N(sb_join)(term, v, N(sb_turn)(v, 1))[0];
}

/* The chunk of n elements, 0 < n <= 256. */
SB_INLINE R N(sb_chunk)(enum sb_term term, const R *x, const R *y, R m, int n) {
  const V all_m = ALL(m);
  V lanes[SB_SUM_LANES / W];
  for (int l = 0; l < SB_SUM_LANES / W; l++) lanes[l] = ALL(N(sb_start)(term));
  int at = 0;
  for (; at + SB_SUM_LANES <= n; at += SB_SUM_LANES)
#pragma GCC unroll 8
    for (int l = 0; l < SB_SUM_LANES / W; l++)
      lanes[l] = N(sb_step)(term, lanes[l], LOAD(x + at + l * W), LOAD(y + at + l * W), all_m, all_m);
#pragma GCC unroll 8
  for (int l = 0; l < SB_SUM_LANES / W; l++) {
    const int left = n - at - l * W;
    if (left > 0)
      lanes[l] = N(sb_select)(left,
                              N(sb_step)(term, lanes[l], N(sb_get)(x + at + l * W, left),
                                         N(sb_get)(y + at + l * W, left), all_m, all_m),
                              lanes[l]);
  }
  return N(sb_joined)(term, lanes);
}

/* Whole chunks in flight: enough to hide the latency of an addition. */
#undef SB_SUM_FLIGHT
#define SB_SUM_FLIGHT(W) (SB_SUM_LANES / W >= 8 ? 1 : 8 * W / SB_SUM_LANES)

SB_INLINE void N(sb_flight)(enum sb_term term, const R *x, const R *y, R m, R *out) {
  enum { CHUNKS = SB_SUM_FLIGHT(W), VECTORS = SB_SUM_LANES / W };
  const V all_m = ALL(m);
  V lanes[CHUNKS][VECTORS];
  for (int c = 0; c < CHUNKS; c++)
    for (int l = 0; l < VECTORS; l++) lanes[c][l] = ALL(N(sb_start)(term));
  for (int at = 0; at < SB_SUM_CHUNK; at += SB_SUM_LANES)
#pragma GCC unroll 8
    for (int c = 0; c < CHUNKS; c++)
#pragma GCC unroll 8
      for (int l = 0; l < VECTORS; l++) {
        const int64_t here = c * SB_SUM_CHUNK + at + l * W;
        lanes[c][l] = N(sb_step)(term, lanes[c][l], LOAD(x + here), LOAD(y + here), all_m, all_m);
      }
#pragma GCC unroll 8
  for (int c = 0; c < CHUNKS; c++) out[c] = N(sb_joined)(term, lanes[c]);
}

/* The sums of the chunks of n elements of one run of memory. */
SB_INLINE void N(sb_chunks)(enum sb_term term, const R *x, const R *y, R m, int64_t n, R *out) {
  enum { RUN = SB_SUM_FLIGHT(W) * SB_SUM_CHUNK };
  for (; n >= RUN; n -= RUN, x += RUN, y += RUN, out += SB_SUM_FLIGHT(W)) N(sb_flight)(term, x, y, m, out);
  for (; n > 0; n -= SB_SUM_CHUNK, x += SB_SUM_CHUNK, y += SB_SUM_CHUNK)
    *out++ = N(sb_chunk)(term, x, y, m, n < SB_SUM_CHUNK ? (int)n : SB_SUM_CHUNK);
}

/* For each term, out of line: the sums of the chunks of a run of memory, and S, D or the product of n > 0
 * elements. */
typedef void (*N(sb_chunks_of_run))(const R *x, const R *y, R m, int64_t n, R *out);
typedef R (*N(sb_whole_run))(const R *x, const R *y, R m, int64_t n);

#define SB_RUN(NAME, TERM)                                                                                   \
  static void N(sb_chunks_##NAME)(const R *x, const R *y, R m, int64_t n, R *out) {                          \
    N(sb_chunks)(TERM, x, y, m, n, out);                                                                     \
  }                                                                                                          \
  static R N(sb_run_##NAME)(const R *x, const R *y, R m, int64_t n) {                                        \
    if (n <= SB_SUM_CHUNK) return N(sb_chunk)(TERM, x, y, m, (int)n);                                        \
    int64_t part = SB_SUM_CHUNK;                                                                             \
    while (part * SB_SUM_CHUNK < n) part *= SB_SUM_CHUNK;                                                    \
    R sums[SB_SUM_CHUNK];                                                                                    \
    if (part == SB_SUM_CHUNK) N(sb_chunks_##NAME)(x, y, m, n, sums);                                         \
    else                                                                                                     \
      for (int64_t at = 0; at < n; at += part)                                                               \
        sums[at / part] = N(sb_run_##NAME)(x + at, y + at, m, n - at < part ? n - at : part);                \
    return N(sb_chunk)(sb_next(TERM), sums, sums, 0, (int)((n + part - 1) / part));                       \
  }
SB_RUN(sum, SB_SUM)
SB_RUN(magnitudes, SB_MAGNITUDES)
SB_RUN(squares, SB_SQUARES)
SB_RUN(products, SB_PRODUCTS)
SB_RUN(deviations, SB_DEVIATIONS)
SB_RUN(covariance, SB_COVARIANCE)
SB_RUN(product, SB_PRODUCT)
SB_RUN(sum_of_y, SB_SUM_OF_Y)
SB_RUN(maximum, SB_MAXIMUM)
SB_RUN(minimum, SB_MINIMUM)
#undef SB_RUN

static const struct {
  N(sb_chunks_of_run) chunks;
  N(sb_whole_run) whole;
} N(sb_along)[SB_TERMS] = {
    [SB_SUM] = {N(sb_chunks_sum), N(sb_run_sum)},
    [SB_MAGNITUDES] = {N(sb_chunks_magnitudes), N(sb_run_magnitudes)},
    [SB_SQUARES] = {N(sb_chunks_squares), N(sb_run_squares)},
    [SB_PRODUCTS] = {N(sb_chunks_products), N(sb_run_products)},
    [SB_DEVIATIONS] = {N(sb_chunks_deviations), N(sb_run_deviations)},
    [SB_COVARIANCE] = {N(sb_chunks_covariance), N(sb_run_covariance)},
    [SB_PRODUCT] = {N(sb_chunks_product), N(sb_run_product)},
    [SB_SUM_OF_Y] = {N(sb_chunks_sum_of_y), N(sb_run_sum_of_y)},
    [SB_MAXIMUM] = {N(sb_chunks_maximum), N(sb_run_maximum)},
    [SB_MINIMUM] = {N(sb_chunks_minimum), N(sb_run_minimum)},
};
