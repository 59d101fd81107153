/* The loops of one tier. */
#include "elementwise.h"
#include "choices.h"
#include "inverse.h"
#include "trigonometric.h"

SB_INLINE float sb_lerp(float a, float b, float w) {
  return sb_abs(w) < 0.5f ? SB_F(w, b - a, a) : SB_F(w - 1.0f, b - a, b);
}
SB_INLINE double sb_lerp_d(double a, double b, double w) {
  return sb_abs_d(w) < 0.5 ? SB_D(w, b - a, a) : SB_D(w - 1.0, b - a, b);
}

/* log(x / (1 - x)), of x between eps and 1 - eps where eps is not negative */
SB_INLINE float sb_logit(float x, float eps) {
  const float high = 1.0f - eps, z = eps < 0.0f ? x : x < eps ? eps : x > high ? high : x;
  return sb_log(z / (1.0f - z));
}
SB_INLINE double sb_logit_d(double x, double eps) {
  const double high = 1.0 - eps, z = eps < 0.0 ? x : x < eps ? eps : x > high ? high : x;
  return sb_log_d(z / (1.0 - z));
}

/* 0 outside of eps and 1 - eps; NaN outside of 0 and 1 */
SB_INLINE float sb_logit_slope(float grad, float x, float eps) {
  const float low = eps < 0.0f ? 0.0f : eps, high = 1.0f - low, value = grad / (x * (1.0f - x));
  return (x < low) | (x > high) ? (eps < 0.0f ? NAN : 0.0f) : value;
}
SB_INLINE double sb_logit_slope_d(double grad, double x, double eps) {
  const double low = eps < 0.0 ? 0.0 : eps, high = 1.0 - low, value = grad / (x * (1.0 - x));
  return (x < low) | (x > high) ? (eps < 0.0 ? NAN : 0.0) : value;
}

SB_INLINE float sb_xlogy(float x, float y) {
  return y != y ? y : x == 0.0f ? 0.0f : x * sb_log(y);
}
SB_INLINE double sb_xlogy_d(double x, double y) {
  return y != y ? y : x == 0.0 ? 0.0 : x * sb_log_d(y);
}

/* sin(pi x) / (pi x) */
SB_INLINE double sb_sinc_d(double x) {
  const double t = SB_PI * x;
  return x == 0.0 ? 1.0 : sb_sin_d(t) / t;
}

/* ivdep: the output is no input, or the same element of it. */
#define SB_LOOP_OF(T, suffix, name, inputs, expression)                                                     \
  static void SB_NAMED(sb_##name##_loop, suffix)(void *out, const void *in_a, const void *in_b, const void *in_c, \
                                                 int64_t n, const double *p) {                              \
    const T *A = in_a, *B = in_b, *C = in_c;                                                                \
    const T p0 = (T)p[0], p1 = (T)p[1], p2 = (T)p[2];                                                       \
    T *Y = out;                                                                                             \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                  \
      const T a = A[i], b = (inputs) > 1 ? B[i] : (T)0, c = (inputs) > 2 ? C[i] : (T)0;                     \
      Y[i] = expression;                                                                                    \
    }                                                                                                       \
  }
#define SB_LOOPS(name, inputs, single, wide)                                                                \
  SB_LOOP_OF(float, _f32, name, inputs, single)                                                             \
  SB_LOOP_OF(double, _f64, name, inputs, wide)
SB_FUNCTIONS(SB_LOOPS)
SB_INVERSES(SB_LOOPS)
SB_ACTIVATIONS(SB_LOOPS)
SB_CHOICES(SB_LOOPS)
SB_COMPOUNDS(SB_LOOPS)

#define SB_BLOCK 256

#define SB_ANGLE_LOOP_OF(T, suffix, name, near, any)                                                        \
  static void SB_NAMED(sb_##name##_loop, suffix)(void *out, const void *in_a, const void *in_b, const void *in_c, \
                                                 int64_t n, const double *p) {                              \
    for (int64_t at = 0; at < n; at += SB_BLOCK) {                                                          \
      const int64_t some = n - at < SB_BLOCK ? n - at : SB_BLOCK;                                           \
      const T *A = (const T *)in_a + at;                                                                    \
      T *Y = (T *)out + at;                                                                                 \
      int far = 0;                                                                                          \
      for (int64_t i = 0; i < some; i++) far |= !(A[i] < (T)SB_NEAR && A[i] > -(T)SB_NEAR);                 \
      if (far) {                                                                                            \
        for (int64_t i = 0; i < some; i++) Y[i] = any(A[i]);                                                \
      } else {                                                                                              \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < some; i++) Y[i] = near(A[i]);                          \
      }                                                                                                     \
    }                                                                                                       \
  }
#define SB_ANGLE_LOOPS(name, inputs, single, wide)                                                          \
  SB_ANGLE_LOOP_OF(float, _f32, name, sb_##name##_near, sb_##name)                                          \
  SB_ANGLE_LOOP_OF(double, _f64, name, sb_##name##_near_d, sb_##name##_d)
SB_ANGLES(SB_ANGLE_LOOPS)

static void sb_widen_loop(float *out, const uint16_t *in, int64_t n, enum sb_dtype dtype) {
  if (dtype == SB_F16)
    for (int64_t i = 0; i < n; i++) out[i] = sb_of_half(in[i]);
  else
    for (int64_t i = 0; i < n; i++) out[i] = sb_of_bfloat(in[i]);
}

static void sb_narrow_loop(uint16_t *out, const float *in, int64_t n, enum sb_dtype dtype) {
  if (dtype == SB_F16)
    for (int64_t i = 0; i < n; i++) out[i] = sb_to_half(in[i]);
  else
    for (int64_t i = 0; i < n; i++) out[i] = sb_to_bfloat(in[i]);
}

#define SB_SINGLE(name, inputs, single, wide) sb_##name##_loop_f32,
#define SB_DOUBLE(name, inputs, single, wide) sb_##name##_loop_f64,
const sb_elementwise_loops SB_NAMED(sb_elementwise_loops_, SB_TIER) = {
    .single = {SB_ELEMENTWISE(SB_SINGLE)},
    .wide = {SB_ELEMENTWISE(SB_DOUBLE)},
    .widen = sb_widen_loop,
    .narrow = sb_narrow_loop,
};
