/* Words into numbers: plain loops, which the compiler makes vectors of.  random/distributions.py is the definition.

   Each product and each sum is rounded on its own: the file is compiled with
   -ffp-contract=off, and a fused one would be another number.
*/
#ifndef SAMEBITS_DISTRIBUTIONS_H
#define SAMEBITS_DISTRIBUTIONS_H

#include "half.h"
#include "job.h"
#include "quantile.h"

#define SB_EACH(name, type, expression)                                                                  \
  static void name(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,             \
                   const sb_parameters *p) {                                                             \
    type *restrict out = to;                                                                             \
    (void)in, (void)p;                                                                                   \
    for (int64_t i = 0; i < n; i++) out[i] = (expression);                                               \
  }

static inline uint64_t sb_wide(const uint32_t *w, int64_t i) { return (uint64_t)w[2 * i] << 32 | w[2 * i + 1]; }

/* integers: low + v % range */

/* v % d with 1 / d rounded: the quotient is at most one off, either way. */
static inline uint32_t sb_rest32(uint32_t v, uint32_t d, double inverse) {
  const uint32_t q = (uint32_t)(int64_t)((double)v * inverse);
  uint32_t r = v - q * d;
  r = (int32_t)(v - q * d) < 0 && q * (uint64_t)d > v ? r + d : r;
  return r >= d ? r - d : r;
}

#if defined(__AVX512DQ__) /* which converts 64 bits */

/* The same of 64 bits, d < 2**48.  The quotient is off by at most 6144 / d + 1, for three roundings of 2**-53 each; the
   rest of it is less than d + 6144 either way, and is divided once more, where the quotient is at most one off. */
#define SB_REST64_BELOW ((uint64_t)1 << 48)
static inline uint64_t sb_rest64(uint64_t v, uint64_t d, double inverse) {
  const int64_t q = (int64_t)((double)v * inverse);
  int64_t r = (int64_t)(v - (uint64_t)q * d);
  r -= (int64_t)((double)r * inverse) * (int64_t)d;
  r = r < 0 ? r + (int64_t)d : r;
  return (uint64_t)(r >= (int64_t)d ? r - (int64_t)d : r);
}

#else

/* The same of 64 bits, d < 2**31: the high half's rest and the low half are less than d * 2**32, below 2**63. */
#define SB_REST64_BELOW ((uint64_t)1 << 31)
static inline uint64_t sb_rest64(uint64_t v, uint64_t d, double inverse) {
  const int64_t u = (int64_t)((uint64_t)sb_rest32((uint32_t)(v >> 32), (uint32_t)d, inverse) << 32 | (uint32_t)v);
  int64_t r = u - (int64_t)((double)u * inverse) * (int64_t)d;
  r = r < 0 ? r + (int64_t)d : r;
  return (uint64_t)(r >= (int64_t)d ? r - (int64_t)d : r);
}

#endif

#define SB_INTEGERS(name, type)                                                                          \
  static void name(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,             \
                   const sb_parameters *p) {                                                             \
    type *restrict out = to;                                                                             \
    const uint32_t low = (uint32_t)p->low, d = (uint32_t)p->range;                                       \
    const double inverse = d ? 1.0 / d : 0;                                                              \
    (void)in;                                                                                            \
    if (d == 0)                                                                                          \
      for (int64_t i = 0; i < n; i++) out[i] = (type)(low + w[i]);                                       \
    else if ((d & (d - 1)) == 0)                                                                         \
      for (int64_t i = 0; i < n; i++) out[i] = (type)(low + (w[i] & (d - 1)));                           \
    else                                                                                                 \
      for (int64_t i = 0; i < n; i++) out[i] = (type)(low + sb_rest32(w[i], d, inverse));                \
  }

SB_INTEGERS(sb_integer_u8, uint8_t)
SB_INTEGERS(sb_integer_u16, uint16_t)
SB_INTEGERS(sb_integer_u32, uint32_t)

static void sb_integer_u64(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,
                           const sb_parameters *p) {
  uint64_t *restrict out = to;
  const uint64_t low = p->low, d = p->range;
  (void)in;
  if (d == 0)
    for (int64_t i = 0; i < n; i++) out[i] = low + sb_wide(w, i);
  else if ((d & (d - 1)) == 0)
    for (int64_t i = 0; i < n; i++) out[i] = low + (sb_wide(w, i) & (d - 1));
  else if (d < SB_REST64_BELOW) {
    const double inverse = 1.0 / (double)d;
    for (int64_t i = 0; i < n; i++) out[i] = low + sb_rest64(sb_wide(w, i), d, inverse);
  } else
    for (int64_t i = 0; i < n; i++) out[i] = low + sb_wide(w, i) % d;
}

/* uniform: v * 2**-d * (high - low) + low */

static void sb_uniform_f32(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,
                           const sb_parameters *p) {
  float *restrict out = to;
  const float a = (float)p->a, b = (float)p->b;
  (void)in;
  if (a == 1 && b == 0) /* the same numbers: nothing is rounded */
    for (int64_t i = 0; i < n; i++) out[i] = (float)(int32_t)(w[i] & 0xFFFFFF) * 0x1p-24f;
  else
    for (int64_t i = 0; i < n; i++) out[i] = (float)(int32_t)(w[i] & 0xFFFFFF) * 0x1p-24f * a + b;
}

SB_EACH(sb_uniform_f64, double, (double)(int64_t)(sb_wide(w, i) & 0x1FFFFFFFFFFFFF) * 0x1p-53 * p->a + p->b)
SB_EACH(sb_uniform_f16, uint16_t,
        sb_to_half((float)(int32_t)(w[i] & 0x7FF) * 0x1p-11f * (float)p->a + (float)p->b))
SB_EACH(sb_uniform_bf16, uint16_t,
        sb_to_bfloat((float)(int32_t)(w[i] & 0xFF) * 0x1p-8f * (float)p->a + (float)p->b))

/* normal: mean + std * z; exponential: z / rate.  The quantiles come in blocks, as floats. */

#define SB_QUANTILES(name, type, real, block, words_each, distribution, store)                                     \
  static void name(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,             \
                   const sb_parameters *p) {                                                             \
    type *restrict out = to;                                                                             \
    const real a = (real)p->a, b = (real)p->b;                                                           \
    real z[64];                                                                                          \
    (void)in, (void)b;                                                                                   \
    for (int64_t at = 0; at < n; at += 64) {                                                             \
      const int m = n - at < 64 ? (int)(n - at) : 64;                                                    \
      block(w + words_each * at, z, m, p);                                                               \
      for (int i = 0; i < m; i++) out[at + i] = store(distribution);                                              \
    }                                                                                                    \
  }

#define SB_AS_IS(x) (x)
SB_QUANTILES(sb_normal_f32, float, float, sb_normals_f32, 1, z[i] * a + b, SB_AS_IS)
SB_QUANTILES(sb_normal_f16, uint16_t, float, sb_normals_f32, 1, z[i] * a + b, sb_to_half)
SB_QUANTILES(sb_normal_bf16, uint16_t, float, sb_normals_f32, 1, z[i] * a + b, sb_to_bfloat)
SB_QUANTILES(sb_normal_f64, double, double, sb_normals_f64, 2, z[i] * a + b, SB_AS_IS)
SB_QUANTILES(sb_exponential_f32, float, float, sb_exponentials_f32, 1, z[i] / a, SB_AS_IS)
SB_QUANTILES(sb_exponential_f16, uint16_t, float, sb_exponentials_f32, 1, z[i] / a, sb_to_half)
SB_QUANTILES(sb_exponential_bf16, uint16_t, float, sb_exponentials_f32, 1, z[i] / a, sb_to_bfloat)
SB_QUANTILES(sb_exponential_f64, double, double, sb_exponentials_f64, 2, z[i] / a, SB_AS_IS)

/* bernoulli: w < p * 2**32, which is 2**32 where p is 1; dropout: x * scale or 0.  One word each, in every dtype. */

#define SB_TRIALS(name, type, one)                                                                       \
  static void name(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,             \
                   const sb_parameters *p) {                                                             \
    type *restrict out = to;                                                                             \
    const uint32_t threshold = (uint32_t)p->low;                                                         \
    (void)in;                                                                                            \
    if (p->low >> 32)                                                                                    \
      for (int64_t i = 0; i < n; i++) out[i] = (one);                                                    \
    else                                                                                                 \
      for (int64_t i = 0; i < n; i++) out[i] = w[i] < threshold ? (one) : 0;                             \
  }

SB_TRIALS(sb_bernoulli_u8, uint8_t, 1)
SB_TRIALS(sb_bernoulli_u16, uint16_t, 1)
SB_TRIALS(sb_bernoulli_u32, uint32_t, 1)
SB_TRIALS(sb_bernoulli_u64, uint64_t, 1)
SB_TRIALS(sb_bernoulli_f16, uint16_t, 0x3C00)
SB_TRIALS(sb_bernoulli_bf16, uint16_t, 0x3F80)
SB_TRIALS(sb_bernoulli_f32, float, 1)
SB_TRIALS(sb_bernoulli_f64, double, 1)

/* A dropped element is x * 0, as where the mask is a tensor: NaN and infinity stay to be seen, and -0 keeps its sign. */
#define SB_DROPOUTS(name, type, product)                                                                 \
  static void name(const uint32_t *restrict w, const void *in, void *restrict to, int64_t n,             \
                   const sb_parameters *p) {                                                             \
    const type *restrict x = in;                                                                         \
    type *restrict out = to;                                                                             \
    const uint64_t threshold = p->low;                                                                   \
    for (int64_t i = 0; i < n; i++) {                                                                    \
      const double scale = w[i] < threshold ? p->a : 0;                                                  \
      out[i] = (product);                                                                                \
    }                                                                                                    \
  }

SB_DROPOUTS(sb_dropout_f32, float, x[i] * (float)scale)
SB_DROPOUTS(sb_dropout_f64, double, x[i] * scale)
SB_DROPOUTS(sb_dropout_f16, uint16_t, sb_to_half(sb_of_half(x[i]) * (float)scale))
SB_DROPOUTS(sb_dropout_bf16, uint16_t, sb_to_bfloat(sb_of_bfloat(x[i]) * (float)scale))

/* truncated normal: words in the order of their quantiles, of which a stretch is drawn from */

static inline double sb_truncated(uint64_t v, const sb_parameters *p) {
  const uint64_t ordered = p->low + (p->range ? (uint64_t)((unsigned __int128)v * p->range >> 64) : v);
  const double z = sb_quantile_f64(ordered >> 63 ? ~ordered : ordered, p->wide);
  const double x = (ordered >> 63 ? z : -z) * p->a + p->b, above = x > p->least ? x : p->least;
  return above < p->most ? above : p->most;
}

SB_EACH(sb_truncated_f64, double, sb_truncated(sb_wide(w, i), p))
SB_EACH(sb_truncated_f32, float, (float)sb_truncated(sb_wide(w, i), p))
SB_EACH(sb_truncated_f16, uint16_t, sb_to_half((float)sb_truncated(sb_wide(w, i), p)))
SB_EACH(sb_truncated_bf16, uint16_t, sb_to_bfloat((float)sb_truncated(sb_wide(w, i), p)))

#endif
