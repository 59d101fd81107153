/* Vectors of a tier: float and double, as wide as its registers.  + - * / are C's, element by element;
   a fused multiply-add is sb_fma, and exists only where it is written. */
#ifndef SAMEBITS_ARITHMETIC_SIMD_H
#define SAMEBITS_ARITHMETIC_SIMD_H

#include "base.h"

#if defined(SB_TIER_IS_AVX512) || defined(SB_TIER_IS_AVX2)
#include <immintrin.h>
#elif defined(SB_TIER_IS_NEON)
#include <arm_neon.h>
#endif

#if defined(SB_TIER_IS_AVX512)
#define SB_BYTES 64
#elif defined(SB_TIER_IS_AVX2)
#define SB_BYTES 32
#else
#define SB_BYTES 16
#endif

#define SB_W (SB_BYTES / 4)  /* floats in a vector */
#define SB_WD (SB_BYTES / 8) /* doubles in a vector */

typedef float sb_vf __attribute__((vector_size(SB_BYTES), may_alias));
typedef double sb_vd __attribute__((vector_size(SB_BYTES), may_alias));
typedef int32_t sb_vi __attribute__((vector_size(SB_BYTES), may_alias));
typedef float sb_vf_any __attribute__((vector_size(SB_BYTES), may_alias, aligned(4)));
typedef double sb_vd_any __attribute__((vector_size(SB_BYTES), may_alias, aligned(8)));

static inline sb_vf sb_load(const float *p) { return *(const sb_vf_any *)p; }
static inline void sb_store(float *p, sb_vf v) { *(sb_vf_any *)p = v; }
static inline sb_vd sb_load_d(const double *p) { return *(const sb_vd_any *)p; }
static inline void sb_store_d(double *p, sb_vd v) { *(sb_vd_any *)p = v; }
static inline sb_vf sb_all(float x) { return x - (sb_vf){0}; }   /* x - 0 is x, of both signs of zero */
static inline sb_vd sb_all_d(double x) { return x - (sb_vd){0}; }

#if defined(SB_TIER_IS_AVX512)
static inline sb_vf sb_fma(sb_vf a, sb_vf b, sb_vf c) { return (sb_vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
static inline sb_vd sb_fma_d(sb_vd a, sb_vd b, sb_vd c) { return (sb_vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
#elif defined(SB_TIER_IS_AVX2)
static inline sb_vf sb_fma(sb_vf a, sb_vf b, sb_vf c) { return (sb_vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
static inline sb_vd sb_fma_d(sb_vd a, sb_vd b, sb_vd c) { return (sb_vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#elif defined(SB_TIER_IS_NEON)
static inline sb_vf sb_fma(sb_vf a, sb_vf b, sb_vf c) { return (sb_vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
static inline sb_vd sb_fma_d(sb_vd a, sb_vd b, sb_vd c) { return (sb_vd)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
static inline sb_vf sb_fma(sb_vf a, sb_vf b, sb_vf c) {
  for (int i = 0; i < SB_W; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
}
static inline sb_vd sb_fma_d(sb_vd a, sb_vd b, sb_vd c) {
  for (int i = 0; i < SB_WD; i++) c[i] = __builtin_fma(a[i], b[i], c[i]);
  return c;
}
#endif

#endif
