/* Hyperbolic functions and inverse functions of a double; of a float they are rounded to float at the end.

   reference/inverse.py is the definition. */
#ifndef SAMEBITS_ARITHMETIC_INVERSE_H
#define SAMEBITS_ARITHMETIC_INVERSE_H

#include "wide.h"

#define SB_PI 0x1.921fb54442d18p+1
#define SB_PIO4 0x1.921fb54442d18p-1
#define SB_ROOT_PI_HALF 0x1.c5bf891b4ef6bp-1 /* sqrt(pi) / 2 */
#define SB_TAN_PIO8 0x1.a827999fcef32p-2

/* exp(a) / 2, also where exp(a) is too large */
SB_INLINE double sb_half_exp_d(double a) {
  const double half = sb_exp_d(0.5 * a);
  return a > 700.0 ? (0.5 * half) * half : 0.5 * sb_exp_d(a);
}
SB_INLINE double sb_sinh_d(double x) {
  const double a = sb_abs_d(x), t = sb_expm1_d(a > 700.0 ? 700.0 : a);
  return sb_with_sign_d(a > 700.0 ? sb_half_exp_d(a) : 0.5 * (t + t / (t + 1.0)), x);
}
SB_INLINE double sb_cosh_d(double x) {
  const double a = sb_abs_d(x), e = sb_half_exp_d(a);
  return e + 0.25 / e;
}
SB_INLINE double sb_asinh_d(double x) {
  const double a = sb_abs_d(x), square = a * a;
  const double near = sb_log1p_d(a + square / (1.0 + __builtin_sqrt(square + 1.0)));
  return sb_with_sign_d(a > 0x1p500 ? sb_log_d(a) + SB_LN2_HI : near, x);
}
SB_INLINE double sb_acosh_d(double x) {
  const double t = x - 1.0, near = sb_log1p_d(t + __builtin_sqrt(t * (t + 2.0)));
  return x < 1.0 ? NAN : x > 0x1p500 ? sb_log_d(x) + SB_LN2_HI : near;
}
SB_INLINE double sb_atanh_d(double x) {
  const double a = sb_abs_d(x);
  return sb_with_sign_d(0.5 * sb_log1p_d((a + a) / (1.0 - a)), x);
}

/* atan(t), 0 <= t <= 1 */
SB_INLINE double sb_atan_unit(double t) {
  const int far = t > SB_TAN_PIO8;
  const double s = far ? (t - 1.0) / (t + 1.0) : t, z = s * s;
  const double value = SB_D(s * z, SB_HORNER_11(SB_D, z, SB_ATAN_D), s);
  return far ? SB_PIO4 + value : value;
}
SB_INLINE double sb_atan_d(double x) {
  const double a = sb_abs_d(x);
  const double value = sb_atan_unit(a > 1.0 ? 1.0 / a : a);
  return sb_with_sign_d(a > 1.0 ? SB_PIO2 - value : value, x);
}
SB_INLINE double sb_asin_d(double x) { return sb_atan_d(x / __builtin_sqrt((1.0 - x) * (1.0 + x))); }
SB_INLINE double sb_acos_d(double x) { return 2.0 * sb_atan_d(__builtin_sqrt((1.0 - x) / (1.0 + x))); }
SB_INLINE double sb_atan2_d(double y, double x) {
  const double a = sb_abs_d(x), b = sb_abs_d(y), most = a > b ? a : b, least = a > b ? b : a;
  const double quotient = least == most ? 1.0 : least / most;
  const double value = sb_atan_unit(most == 0.0 ? 0.0 : quotient);
  const double upper = b > a ? SB_PIO2 - value : value;
  const double turned = sb_to_bits_d(x) >> 63 ? SB_PI - upper : upper;
  return (x != x) | (y != y) ? NAN : sb_with_sign_d(turned, y);
}
SB_INLINE double sb_hypot_d(double x, double y) {
  const double a = sb_abs_d(x), b = sb_abs_d(y), most = a > b ? a : b, least = a > b ? b : a;
  const double ratio = least / most, value = most * __builtin_sqrt(SB_D(ratio, ratio, 1.0));
  return (a == INFINITY) | (b == INFINITY) ? INFINITY : (x != x) | (y != y) ? NAN : most == 0.0 ? most : value;
}
/* The square of a float is exact in double. */
SB_INLINE float sb_hypot(float x, float y) {
  const double a = x, b = y, value = __builtin_sqrt(a * a + b * b);
  return (sb_abs(x) == INFINITY) | (sb_abs(y) == INFINITY) ? INFINITY : (float)value;
}

/* log(exp(x) + exp(y)) */
SB_INLINE float sb_logaddexp(float x, float y) {
  const float most = x > y ? x : y, least = x > y ? y : x;
  const float value = most + sb_log1p(sb_exp(least - most));
  return (x == y) & (sb_abs(x) == INFINITY) ? x : (x != x) | (y != y) ? NAN : value;
}
SB_INLINE double sb_logaddexp_d(double x, double y) {
  const double most = x > y ? x : y, least = x > y ? y : x;
  const double value = most + sb_log1p_d(sb_exp_d(least - most));
  return (x == y) & (sb_abs_d(x) == INFINITY) ? x : (x != x) | (y != y) ? NAN : value;
}

/* erfinv(x) to 3e-9 of it: x times a polynomial of w = -log(1 - x**2), or of its root where x is near 1. */
SB_INLINE double sb_erfinv_near(double x) {
  const double a = sb_abs_d(x), w = -sb_log_d((1.0 - a) * (1.0 + a)), u = w - 3.0, s = __builtin_sqrt(w) - 4.0;
  const double q = w > 6.0 ? SB_HORNER_13(SB_D, s, SB_ERFINV_TAIL) : SB_HORNER_13(SB_D, u, SB_ERFINV);
  return a > 1.0 ? NAN : a == 1.0 ? x * INFINITY : x * q;
}
/* One step of Newton's: by erf, or by erfc where 1 - x is exact. */
SB_INLINE double sb_erfinv_d(double x) {
  const double a = sb_abs_d(x), y = sb_erfinv_near(a);
  const double lost = a < 0.5 ? sb_erf_d(y) - a : (1.0 - a) - sb_erfc_d(y);
  const double value = SB_D(-(lost * SB_ROOT_PI_HALF), sb_exp_d(y * y), y);
  return sb_with_sign_d(a < 1.0 ? value : y, x);
}

/* fmod of the C library is exact by its definition. */
static inline float sb_remainder(float x, float y) {
  const float rest = __builtin_fmodf(x, y);
  return rest != 0.0f && (y < 0.0f) != (rest < 0.0f) ? rest + y : rest;
}
static inline double sb_remainder_d(double x, double y) {
  const double rest = __builtin_fmod(x, y);
  return rest != 0.0 && (y < 0.0) != (rest < 0.0) ? rest + y : rest;
}

#endif
