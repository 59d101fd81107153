/* Functions in double: of a double, and of a float where that is simpler than in float.

   reference/wide.py is the definition, operation by operation. */
#ifndef SAMEBITS_ARITHMETIC_WIDE_H
#define SAMEBITS_ARITHMETIC_WIDE_H

#include "functions.h"

#define SB_D __builtin_fma

#define SB_HORNER_10(f, x, c) f(SB_HORNER_9(f, x, (c + 1)), x, c[0])
#define SB_HORNER_11(f, x, c) f(SB_HORNER_10(f, x, (c + 1)), x, c[0])
#define SB_HORNER_13(f, x, c) f(f(SB_HORNER_11(f, x, (c + 2)), x, c[1]), x, c[0])
#define SB_HORNER_15(f, x, c) f(f(SB_HORNER_13(f, x, (c + 2)), x, c[1]), x, c[0])
#define SB_HORNER_18(f, x, c) f(f(f(SB_HORNER_15(f, x, (c + 3)), x, c[2]), x, c[1]), x, c[0])
#define SB_HORNER_22(f, x, c) f(f(f(f(SB_HORNER_18(f, x, (c + 4)), x, c[3]), x, c[2]), x, c[1]), x, c[0])
#define SB_HORNER_26(f, x, c) f(f(f(f(SB_HORNER_22(f, x, (c + 4)), x, c[3]), x, c[2]), x, c[1]), x, c[0])
#define SB_HORNER_3(f, x, c) f(f(f(c[3], x, c[2]), x, c[1]), x, c[0])

#define SB_LN2_HI 0x1.62e42fefa39efp-1
#define SB_LN2_LO 0x1.abc9e3b39803fp-56
#define SB_LN2_SHORT_D 0x1.62e42fefap-1 /* times an exponent it is exact; the rest of ln(2) */
#define SB_LN2_REST_D 0x1.cf79abc9e3b3ap-40
#define SB_LOG10_2_SHORT_D 0x1.34413509fp-2
#define SB_LOG10_2_REST_D 0x1.e7fbcc47c4acdp-40
#define SB_LOG2E 0x1.71547652b82fep+0
#define SB_LOG2E_LO 0x1.777d0ffda0d24p-56
#define SB_LOG10E 0x1.bcb7b1526e50ep-2
#define SB_LOG10E_LO 0x1.95355baaafad3p-57
#define SB_PIO2 0x1.921fb54442d18p+0
#define SB_PIO2_LO 0x1.1a62633145c07p-54
#define SB_PIO2_LAST -0x1.f1976b7ed8fbcp-110
#define SB_2_PI 0x1.45f306dc9c883p-1
#define SB_WHOLE 0x1.8p+52
#define SB_WHOLE_BITS 0x4338000000000000u
#define SB_PDF_D 0x1.9884533d43651p-2
#define SB_GELU_1_D 0x1.9884533d43651p+0
#define SB_GELU_3_D 0x1.2444f2a4d8b4bp-4
#define SB_ROOT_2 0x1.6a09e667f3bcdp+0
#define SB_NEAR 0x1p28 /* below it the trigonometric functions' arguments are reduced by multiplication */

SB_INLINE double sb_from_bits_d(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static inline uint64_t sb_to_bits_d(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
SB_INLINE double sb_abs_d(double x) { return sb_from_bits_d(sb_to_bits_d(x) & 0x7fffffffffffffffu); }
SB_INLINE double sb_with_sign_d(double magnitude, double sign) {
  return sb_from_bits_d((sb_to_bits_d(magnitude) & 0x7fffffffffffffffu) | (sb_to_bits_d(sign) & 0x8000000000000000u));
}
SB_INLINE double sb_two_d(int64_t n) { return sb_from_bits_d((uint64_t)(n + 1023) << 52); }
SB_INLINE double sb_scaled_d(double y, int64_t n) {
  const int64_t half = n >> 1;
  return (y * sb_two_d(half)) * sb_two_d(n - half);
}
SB_INLINE double sb_clamped_d(double x, double least, double most) {
  x = x < least ? least : x;
  return x > most ? most : x;
}
SB_INLINE double sb_sum_d(double a, double b, double low) {
  const double sum = a + b;
  return sum + (((a - sum) + b) + low);
}
/* The nearest integer to x, as a number and in *n; NaN gives NaN, and any n. */
SB_INLINE double sb_nearest_d(double x, int64_t *n) {
  const double whole = x + SB_WHOLE;
  *n = (int64_t)((sb_to_bits_d(whole) - SB_WHOLE_BITS) << 12) >> 12;
  return whole - SB_WHOLE;
}

/* exp(x + low) = (1 + the value) 2**n */
SB_INLINE double sb_reduced_d(double x, double low, int64_t *n) {
  const double k = sb_nearest_d(x * SB_LOG2E, n);
  const double r = SB_D(-k, SB_LN2_HI, x) + SB_D(-k, SB_LN2_LO, low);
  return SB_D(r * r, SB_HORNER_10(SB_D, r, SB_EXP_D), r);
}

SB_INLINE double sb_exp_d(double x) {
  int64_t n;
  const double y = sb_clamped_d(x, -746.0, 710.0), k = sb_nearest_d(y * SB_LOG2E, &n);
  const double r = SB_D(-k, SB_LN2_LO, SB_D(-k, SB_LN2_HI, y)), sum = 1.0 + r, lost = (1.0 - sum) + r;
  return sb_scaled_d(sum + SB_D(r * r, SB_HORNER_10(SB_D, r, SB_EXP_D), lost), n);
}

SB_INLINE double sb_exp2_d(double x) {
  int64_t n;
  const double y = sb_clamped_d(x, -1076.0, 1025.0), r = y - sb_nearest_d(y, &n);
  return sb_scaled_d(SB_D(r, SB_HORNER_11(SB_D, r, SB_EXP2_D), 1.0), n);
}

SB_INLINE double sb_expm1_d(double x) {
  int64_t n;
  const double y = sb_clamped_d(x, -40.0, 710.0), k = sb_nearest_d(y * SB_LOG2E, &n);
  const double near = SB_D(-k, SB_LN2_HI, y), r = SB_D(-k, SB_LN2_LO, near);
  const double low = SB_D(-k, SB_LN2_LO, near - r);
  const double power = sb_two_d(n - 1), rest = power - 0.5;
  const double high = SB_D(power, r, rest), lost = SB_D(power, r, rest - high) + ((power - rest) - 0.5);
  const double value = high + SB_D(power, SB_D(r * r, SB_HORNER_10(SB_D, r, SB_EXP_D), low), lost);
  return sb_abs_d(x) < 0x1p-54 ? x : value + value;
}

/* x = (1 + f) 2**k, of a positive finite x */
SB_INLINE double sb_mantissa_d(double x, double *k) {
  const int tiny = x < 0x1p-1022;
  const uint64_t bits = sb_to_bits_d(tiny ? x * 0x1p54 : x);
  const int64_t exponent = (int64_t)(bits - 0x3fe5555555555555u) >> 52;
  *k = (double)(exponent - (tiny ? 54 : 0));
  return sb_from_bits_d(bits - ((uint64_t)exponent << 52)) - 1.0;
}

/* log(1 + f) - f */
SB_INLINE double sb_log_rest_d(double f) {
  const double s = f / (2.0 + f), z = s * s, square = (0.5 * f) * f;
  return SB_D(s, SB_D(z, SB_HORNER_8(SB_D, z, SB_LOG_D), square), -square);
}

SB_INLINE double sb_log_of_any_d(double x, double value) {
  const double other = x == 0.0 ? -INFINITY : x == INFINITY ? x : NAN;
  return (x > 0.0) & (x < INFINITY) ? value : other;
}

SB_INLINE double sb_log_d(double x) {
  double k;
  const double f = sb_mantissa_d(x, &k);
  return sb_log_of_any_d(x, sb_sum_d(k * SB_LN2_SHORT_D, f, SB_D(k, SB_LN2_REST_D, sb_log_rest_d(f))));
}

SB_INLINE double sb_log2_d(double x) {
  double k;
  const double f = sb_mantissa_d(x, &k), rest = sb_log_rest_d(f), high = f * SB_LOG2E;
  const double low = SB_D(f, SB_LOG2E, -high) + SB_D(f, SB_LOG2E_LO, rest * SB_LOG2E);
  return sb_log_of_any_d(x, sb_sum_d(k, high, low));
}

SB_INLINE double sb_log10_d(double x) {
  double k;
  const double f = sb_mantissa_d(x, &k), rest = sb_log_rest_d(f), high = f * SB_LOG10E;
  const double low = SB_D(f, SB_LOG10E, -high) + SB_D(f, SB_LOG10E_LO, rest * SB_LOG10E);
  return sb_log_of_any_d(x, sb_sum_d(k * SB_LOG10_2_SHORT_D, high, SB_D(k, SB_LOG10_2_REST_D, low)));
}

SB_INLINE double sb_log1p_d(double x) {
  const double u = 1.0 + x;
  const int64_t exponent = (int64_t)(sb_to_bits_d(u) - 0x3fe5555555555555u) >> 52, half = exponent >> 1;
  const double one = sb_two_d(-half), other = sb_two_d(half - exponent), k = (double)exponent;
  const double part = x * one, rest = one * other - 1.0;
  const double f = SB_D(part, other, rest), lost = SB_D(part, other, rest - f);
  const double low = SB_D(-f, lost, lost) + SB_D(k, SB_LN2_REST_D, sb_log_rest_d(f));
  return x == 0.0 ? x : sb_log_of_any_d(u, sb_sum_d(k * SB_LN2_SHORT_D, f, low));
}

SB_INLINE double sb_tanh_d(double x) {
  const double a = sb_abs_d(x), b = a > 20.0 ? 20.0 : a, z = b * b;
  int64_t n;
  const double p = sb_reduced_d(b + b, 0.0, &n), power = sb_two_d(n);
  const double large = 1.0 - 2.0 / SB_D(p, power, power + 1.0);
  const double small = SB_D(b * z, SB_HORNER_15(SB_D, z, SB_TANH_D), b);
  return sb_with_sign_d(b < 1.0 ? small : large, x);
}

SB_INLINE double sb_sigmoid_d(double x) {
  const double a = sb_abs_d(x), b = a > 750.0 ? 750.0 : a;
  int64_t n;
  const double p = sb_reduced_d(b, 0.0, &n), s = sb_two_d(-(n > 1022 ? 1022 : n));
  const double sum = s + 1.0, d = sum + p, q = 1.0 / d;
  const double lost = ((sum - d) + p) + ((1.0 - sum) + s);
  const double w = SB_D(q, SB_D(-q, lost, SB_D(-q, d, 1.0)), q);
  return x < 0.0 ? sb_scaled_d(w, -n) : SB_D(-s, w, 1.0);
}

/* Phi(-a) = exp(-a**2 / 2) times a polynomial of (4 - a) / (4 + a), 0 <= a: exp(-y - low) of 2 y = a**2 */
SB_INLINE double sb_tail_d(double a, double square, double lost) {
  int64_t n;
  const double p = sb_reduced_d(-square, -lost, &n);
  const double g = SB_HORNER_26(SB_D, 1.0 - (a + a) / (4.0 + a), SB_NORMAL_D);
  return sb_scaled_d(SB_D(g, p, g), n);
}

/* Phi(-|x|) */
SB_INLINE double sb_normal_d(double x) {
  const double a = sb_abs_d(x), b = a > 38.6 ? 38.6 : a, square = b * b;
  return sb_tail_d(b, 0.5 * square, 0.5 * SB_D(b, b, -square));
}

/* erfc(a), 0 <= a */
SB_INLINE double sb_erfc_of_d(double a) {
  const double b = a > 27.3 ? 27.3 : a, square = b * b;
  return 2.0 * sb_tail_d(b * SB_ROOT_2, square, SB_D(b, b, -square));
}

SB_INLINE double sb_erf_d(double x) {
  const double a = sb_abs_d(x), b = a > 1.0 ? 1.0 : a;
  const double small = SB_D(b, SB_HORNER_13(SB_D, b * b, SB_ERF_D), b);
  return sb_with_sign_d(a < 1.0 ? small : 1.0 - sb_erfc_of_d(a), x);
}

SB_INLINE double sb_erfc_d(double x) {
  const double a = sb_abs_d(x), b = a > 1.0 ? 1.0 : a, tail = sb_erfc_of_d(a);
  const double small = SB_D(-x, SB_HORNER_13(SB_D, b * b, SB_ERF_D), 1.0 - x);
  return a < 0.5 ? small : x < 0.0 ? 2.0 - tail : tail;
}

/* In terms of these, as in float. */
SB_INLINE double sb_above_d(double x) { return x > 0.0 ? x : x * 0.0; }
SB_INLINE double sb_gated_d(double x, double v) {
  return v < -750.0 ? x * 0.0 : x * sb_sigmoid_d(v);
}
SB_INLINE double sb_silu_d(double x) { return sb_gated_d(x, x); }
SB_INLINE double sb_gelu_tanh_d(double x) {
  return sb_gated_d(x, x * SB_D(x * x, SB_GELU_3_D, SB_GELU_1_D));
}
SB_INLINE double sb_log1p_exp_d(double x) {
  return (x < 0.0 ? 0.0 : x) + sb_log1p_d(sb_exp_d(-sb_abs_d(x)));
}
SB_INLINE double sb_softplus_d(double x, double beta, double threshold) {
  const double z = x * beta;
  return z > threshold ? x : sb_log1p_exp_d(z) / beta;
}
SB_INLINE double sb_logsigmoid_d(double x) {
  return (x < 0.0 ? x : 0.0) - sb_log1p_d(sb_exp_d(-sb_abs_d(x)));
}
SB_INLINE double sb_tanh_softplus_d(double x) {
  const double e = sb_exp_d(sb_clamped_d(x, -800.0, 40.0)), w = e * (e + 2.0);
  return w / (w + 2.0);
}
SB_INLINE double sb_mish_d(double x) { return x < -800.0 ? x * 0.0 : x * sb_tanh_softplus_d(x); }
SB_INLINE double sb_gelu_d(double x) {
  const double a = sb_abs_d(x);
  return sb_above_d(x) - (a > 38.6 ? 38.6 : a) * sb_normal_d(x);
}
SB_INLINE double sb_gelu_slope_d(double x) {
  const double tail = sb_normal_d(x), b = sb_clamped_d(x, -38.6, 38.6);
  return SB_D(b * SB_PDF_D, sb_exp_d(-0.5 * (b * b)), x > 0.0 ? 1.0 - tail : tail);
}
SB_INLINE double sb_gelu_tanh_slope_d(double x) {
  const double b = sb_clamped_d(x, -22.0, 22.0), z = b * b;
  const double v = b * SB_D(z, SB_GELU_3_D, SB_GELU_1_D), s = sb_sigmoid_d(v);
  const double slope = b * SB_D(z, 3.0 * SB_GELU_3_D, SB_GELU_1_D);
  return SB_D(s * sb_sigmoid_d(-v), slope, s);
}
SB_INLINE double sb_silu_slope_d(double x) { return sb_sigmoid_d(x) * SB_D(x, sb_sigmoid_d(-x), 1.0); }
SB_INLINE double sb_mish_slope_d(double x) {
  const double y = sb_clamped_d(x, -800.0, 40.0), e = sb_exp_d(y), w = e * (e + 2.0), d = w + 2.0;
  return SB_D((4.0 * e) * (e + 1.0) / d, y / d, w / d);
}

#endif
