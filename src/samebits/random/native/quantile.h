/* Quantiles by table: random/quantile.py is the definition, and its tables are handed in. */
#ifndef SAMEBITS_QUANTILE_H
#define SAMEBITS_QUANTILE_H

#include "half.h"
#include "job.h"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#define SB_ROWS 64
#define SB_DEGREE 6
#define SB_MOST 2147483520.0f
#define SB_WIDE_ROWS 256
#define SB_WIDE_DEGREE 11
#define SB_WIDE_MOST 9223372036854774784.0

static inline float sb_quantile_f32(uint32_t word, const float *restrict c) {
  const float x = (float)(int32_t)(word & 0x7FFFFFFF) + 0.5f, capped = x < SB_MOST ? x : SB_MOST;
  const uint32_t u = sb_pattern(capped), row = (u >> 22) - 2 * 126;
  const float t = 1.5f - sb_float((u & 0x3FFFFF) | 0x3F800000);
  float z = c[SB_DEGREE * SB_ROWS + row];
  for (int power = SB_DEGREE - 1; power >= 0; power--) z = z * t + c[power * SB_ROWS + row];
  return z;
}

static inline double sb_quantile_f64(uint64_t word, const double *restrict c) {
  const double x = (double)(int64_t)(word & 0x7FFFFFFFFFFFFFFF) + 0.5;
  double capped = x < SB_WIDE_MOST ? x : SB_WIDE_MOST, z, upper;
  uint64_t u;
  memcpy(&u, &capped, 8);
  const uint64_t row = (u >> 50) - 4 * 1022;
  u = (u & 0x3FFFFFFFFFFFF) | 0x3FF0000000000000;
  memcpy(&upper, &u, 8);
  const double t = 1.25 - upper;
  z = c[SB_WIDE_DEGREE * SB_WIDE_ROWS + row];
  for (int power = SB_WIDE_DEGREE - 1; power >= 0; power--) z = z * t + c[power * SB_WIDE_ROWS + row];
  return z;
}

/* Tables of the float64 distributions, for distributions that draw one number at a time; set when the core is loaded. */
extern const double *sb_wide_normal;

static inline double sb_normal64(uint64_t word) {
  const double z = sb_quantile_f64(word, sb_wide_normal);
  return word >> 63 ? -z : z;
}

/* The vectors look the coefficients up in registers, which hold the highest octaves: those of all but 2**-16
   (32 rows) or 2**-8 (16 rows) of the numbers.  Where a number of a vector lies lower, all of it is read from memory. */

#if defined(__AVX512F__)

static inline __m512 sb_polynomial_512(__m512i row, __m512 t, const float *restrict c) {
  __m512 sum = _mm512_setzero_ps();
  for (int power = SB_DEGREE; power >= 0; power--) {
    const float *k = c + power * SB_ROWS + 32;
    const __m512 coefficient = _mm512_permutex2var_ps(_mm512_loadu_ps(k), row, _mm512_loadu_ps(k + 16));
    sum = power == SB_DEGREE ? coefficient : _mm512_add_ps(_mm512_mul_ps(sum, t), coefficient);
  }
  return sum;
}

static inline __m512 sb_polynomial_512_low(__m512i row, __m512 t, const float *restrict c) {
  __m512 sum = _mm512_setzero_ps();
  for (int power = SB_DEGREE; power >= 0; power--) {
    const __m512 coefficient = _mm512_i32gather_ps(row, c + power * SB_ROWS, 4);
    sum = power == SB_DEGREE ? coefficient : _mm512_add_ps(_mm512_mul_ps(sum, t), coefficient);
  }
  return sum;
}

static void sb_quantiles_f32(const uint32_t *restrict w, float *restrict z, int n, const float *restrict c) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF), below = _mm512_set1_epi32(0x3FFFFF);
  const __m512i one = _mm512_set1_epi32(0x3F800000), first = _mm512_set1_epi32(2 * 126);
  for (int at = 0; at < n; at += 16) {
    const __mmask16 live = n - at < 16 ? (__mmask16)((1u << (n - at)) - 1) : (__mmask16)0xFFFF;
    const __m512i word = _mm512_maskz_loadu_epi32(live, w + at);
    const __m512 x = _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_and_si512(word, magnitude)), _mm512_set1_ps(0.5f));
    const __m512i u = _mm512_castps_si512(_mm512_min_ps(x, _mm512_set1_ps(SB_MOST)));
    const __m512i row = _mm512_sub_epi32(_mm512_srli_epi32(u, 22), first);
    const __m512 t = _mm512_sub_ps(_mm512_set1_ps(1.5f),
                                   _mm512_castsi512_ps(_mm512_ternarylogic_epi32(u, below, one, 0xEA)));
    const int high = _mm512_test_epi32_mask(row, _mm512_set1_epi32(32)) == 0xFFFF;
    _mm512_mask_storeu_ps(z + at, live, high ? sb_polynomial_512(row, t, c) : sb_polynomial_512_low(row, t, c));
  }
}

#elif defined(__AVX2__)

static inline __m256 sb_polynomial_256(__m256i row, __m256 t, const float *restrict c) {
  const __m256 upper = _mm256_castsi256_ps(_mm256_slli_epi32(row, 28)); /* its sign: the row's bit of 8 */
  __m256 sum = _mm256_setzero_ps();
  for (int power = SB_DEGREE; power >= 0; power--) {
    const float *k = c + power * SB_ROWS + 48;
    const __m256 coefficient = _mm256_blendv_ps(_mm256_permutevar8x32_ps(_mm256_loadu_ps(k), row),
                                                _mm256_permutevar8x32_ps(_mm256_loadu_ps(k + 8), row), upper);
    sum = power == SB_DEGREE ? coefficient : _mm256_add_ps(_mm256_mul_ps(sum, t), coefficient);
  }
  return sum;
}

static void sb_quantiles_f32(const uint32_t *restrict w, float *restrict z, int n, const float *restrict c) {
  const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF), below = _mm256_set1_epi32(0x3FFFFF);
  const __m256i one = _mm256_set1_epi32(0x3F800000), first = _mm256_set1_epi32(2 * 126);
  int at = 0;
  for (; at + 8 <= n; at += 8) {
    const __m256i word = _mm256_loadu_si256((const __m256i *)(w + at));
    const __m256 x = _mm256_add_ps(_mm256_cvtepi32_ps(_mm256_and_si256(word, magnitude)), _mm256_set1_ps(0.5f));
    const __m256i u = _mm256_castps_si256(_mm256_min_ps(x, _mm256_set1_ps(SB_MOST)));
    const __m256i row = _mm256_sub_epi32(_mm256_srli_epi32(u, 22), first);
    const __m256 t = _mm256_sub_ps(_mm256_set1_ps(1.5f),
                                   _mm256_castsi256_ps(_mm256_or_si256(_mm256_and_si256(u, below), one)));
    const __m256i high = _mm256_cmpgt_epi32(row, _mm256_set1_epi32(47));
    if (_mm256_movemask_ps(_mm256_castsi256_ps(high)) == 0xFF)
      _mm256_storeu_ps(z + at, sb_polynomial_256(row, t, c));
    else
      for (int i = at; i < at + 8; i++) z[i] = sb_quantile_f32(w[i], c);
  }
  for (; at < n; at++) z[at] = sb_quantile_f32(w[at], c);
}

#else

static void sb_quantiles_f32(const uint32_t *restrict w, float *restrict z, int n, const float *restrict c) {
  for (int i = 0; i < n; i++) z[i] = sb_quantile_f32(w[i], c);
}

#endif

static void sb_normals_f32(const uint32_t *restrict w, float *restrict z, int n, const sb_parameters *p) {
  sb_quantiles_f32(w, z, n, p->single);
  for (int i = 0; i < n; i++) z[i] = sb_float(sb_pattern(z[i]) | (w[i] & 0x80000000)); /* z is positive */
}

static void sb_exponentials_f32(const uint32_t *restrict w, float *restrict z, int n, const sb_parameters *p) {
  sb_quantiles_f32(w, z, n, p->single);
}

static void sb_normals_f64(const uint32_t *restrict w, double *restrict z, int n, const sb_parameters *p) {
  for (int i = 0; i < n; i++) {
    const uint64_t word = (uint64_t)w[2 * i] << 32 | w[2 * i + 1];
    const double x = sb_quantile_f64(word, p->wide);
    z[i] = word >> 63 ? -x : x;
  }
}

static void sb_exponentials_f64(const uint32_t *restrict w, double *restrict z, int n, const sb_parameters *p) {
  for (int i = 0; i < n; i++) z[i] = sb_quantile_f64((uint64_t)w[2 * i] << 32 | w[2 * i + 1], p->wide);
}

#endif
