/* Sine, cosine, tangent and powers, in double: of a double, and of a float, rounded to float at the end.

   reference/wide.py is the definition.  An argument of at least SB_NEAR is reduced in integers (Payne and Hanek,
   Radian reduction for trigonometric functions, 1983), which no vector does: loops look for such arguments first. */
#ifndef SAMEBITS_ARITHMETIC_TRIGONOMETRIC_H
#define SAMEBITS_ARITHMETIC_TRIGONOMETRIC_H

#include "wide.h"

/* x = quadrant pi / 2 + high + low */
typedef struct {
  double high, low;
  int64_t quadrant;
} sb_angle;

SB_INLINE sb_angle sb_near_angle(double x) {
  sb_angle a;
  const double k = sb_nearest_d(x * SB_2_PI, &a.quadrant);
  const double part = SB_D(-k, SB_PIO2, x);
  a.high = SB_D(-k, SB_PIO2_LO, part);
  a.low = SB_D(-k, SB_PIO2_LAST, SB_D(-k, SB_PIO2_LO, part - a.high));
  return a;
}

/* 2 / pi, after 64 zeros */
static const uint64_t SB_TWO_OVER_PI[] = {
    0,                     0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u,
    0xb7246e3a424dd2e0u, 0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u,
    0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu, 0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u,
    0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu};

static inline uint64_t sb_pi_bits(int first) {
  const int word = first >> 6, bit = first & 63;
  return bit == 0 ? SB_TWO_OVER_PI[word]
                  : SB_TWO_OVER_PI[word] << bit | SB_TWO_OVER_PI[word + 1] >> (64 - bit);
}

/* Of |x| = m 2**e: m times 192 bits of 2 / pi, of which those above the quadrant are left away. */
static inline sb_angle sb_far_angle(double x) {
  const uint64_t bits = sb_to_bits_d(x), m = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  const int first = 64 + (int)((bits >> 52) & 0x7ffu) - 1075 - 2;
  typedef unsigned __int128 wide;
  const wide low = (wide)m * sb_pi_bits(first + 128), middle = (wide)m * sb_pi_bits(first + 64) + (low >> 64);
  const uint64_t top = m * sb_pi_bits(first) + (uint64_t)(middle >> 64), next = (uint64_t)middle;
  const uint64_t quadrant = (top + 0x2000000000000000u) >> 62;
  const int64_t rest = (int64_t)(top - (quadrant << 62));
  /* The rest is rest 2**-62 + next 2**-126. */
  const double a = (double)(rest >> 32) * 0x1p-30, b = (double)(uint32_t)rest * 0x1p-62;
  const double c = (double)(next >> 32) * 0x1p-94;
  const double sum = a + b, high = sum + (((a - sum) + b) + c), lost = (((a - high) + b) + c);
  sb_angle found;
  const double turn = high * SB_PIO2;
  found.high = turn;
  found.low = SB_D(high, SB_PIO2, -turn) + SB_D(high, SB_PIO2_LO, lost * SB_PIO2);
  found.quadrant = (int64_t)quadrant;
  if (bits >> 63) {
    found.high = -found.high;
    found.low = -found.low;
    found.quadrant = -found.quadrant;
  }
  return found;
}

SB_INLINE double sb_sine(double r, double low) {
  const double z = r * r;
  return r + SB_D(r * z, SB_HORNER_6(SB_D, z, SB_SIN_D), SB_D(-0.5 * z, low, low));
}
SB_INLINE double sb_cosine(double r, double low) {
  const double z = r * r, half = 0.5 * z, w = 1.0 - half;
  return w + (((1.0 - w) - half) + SB_D(z * z, SB_HORNER_5(SB_D, z, SB_COS_D), -r * low));
}
SB_INLINE double sb_sin_at(sb_angle a) {
  const double value = (a.quadrant & 1) ? sb_cosine(a.high, a.low) : sb_sine(a.high, a.low);
  return (a.quadrant & 2) ? -value : value;
}
SB_INLINE double sb_cos_at(sb_angle a) {
  const double value = (a.quadrant & 1) ? sb_sine(a.high, a.low) : sb_cosine(a.high, a.low);
  return ((a.quadrant + 1) & 2) ? -value : value;
}
SB_INLINE double sb_tan_at(sb_angle a) {
  const double s = sb_sine(a.high, a.low), c = sb_cosine(a.high, a.low);
  return (a.quadrant & 1) ? -c / s : s / c;
}

/* For a result in float a shorter polynomial is enough, and no low part. */
SB_INLINE double sb_short_sine(double r) {
  const double z = r * r;
  return r * SB_D(z, SB_HORNER_3(SB_D, z, SB_SIN_S), 1.0);
}
SB_INLINE double sb_short_cosine(double r) {
  const double z = r * r;
  return SB_D(z, SB_D(z, SB_HORNER_3(SB_D, z, SB_COS_S), -0.5), 1.0);
}
SB_INLINE float sb_short_sin_at(sb_angle a) {
  const double value = (a.quadrant & 1) ? sb_short_cosine(a.high) : sb_short_sine(a.high);
  return (float)((a.quadrant & 2) ? -value : value);
}
SB_INLINE float sb_short_cos_at(sb_angle a) {
  const double value = (a.quadrant & 1) ? sb_short_sine(a.high) : sb_short_cosine(a.high);
  return (float)(((a.quadrant + 1) & 2) ? -value : value);
}
SB_INLINE float sb_short_tan_at(sb_angle a) {
  const double s = sb_short_sine(a.high), c = sb_short_cosine(a.high);
  return (float)((a.quadrant & 1) ? -c / s : s / c);
}

/* |x| < SB_NEAR; or any x, without vectors */
#define SB_TRIGONOMETRIC(name)                                                                              \
  SB_INLINE float sb_##name##_near(float x) { return sb_short_##name##_at(sb_near_angle((double)x)); }      \
  SB_INLINE double sb_##name##_near_d(double x) {                                                           \
    const double value = sb_##name##_at(sb_near_angle(x));                                                  \
    return x == 0.0 && value == 0.0 ? x : value;                                                            \
  }                                                                                                         \
  SB_INLINE float sb_##name(float x) {                                                                      \
    if (sb_abs(x) < (float)SB_NEAR) return sb_##name##_near(x);                                             \
    return sb_abs(x) < INFINITY ? sb_short_##name##_at(sb_far_angle((double)x)) : NAN;                      \
  }                                                                                                         \
  SB_INLINE double sb_##name##_d(double x) {                                                                \
    if (sb_abs_d(x) < SB_NEAR) return sb_##name##_near_d(x);                                                \
    return sb_abs_d(x) < INFINITY ? sb_##name##_at(sb_far_angle(x)) : NAN;                                  \
  }
SB_TRIGONOMETRIC(sin)
SB_TRIGONOMETRIC(cos)
SB_TRIGONOMETRIC(tan)

/* x**y of |x|: `value` is exp2(y log2(|x|)) where that says anything. */
SB_INLINE double sb_power_of_any(double x, double y, double value, int whole, int odd) {
  const double a = sb_abs_d(x), b = sb_abs_d(y);
  const double end = (a == 0.0) == (y > 0.0) ? 0.0 : INFINITY;
  double result = (a == 0.0) | (a == INFINITY) ? end : value;
  result = (x != x) | (y != y) ? NAN : (x < 0.0) & (x > -INFINITY) & !whole ? NAN : result;
  result = odd && (sb_to_bits_d(x) >> 63) ? -result : result;
  result = (a == 1.0) & (b == INFINITY) ? 1.0 : result;
  return (y == 0.0) | (x == 1.0) ? 1.0 : result;
}

SB_INLINE float sb_pow(float x, float y) {
  const double a = sb_abs_d((double)x);
  const uint64_t bits = sb_to_bits_d(a);
  const int64_t exponent = (int64_t)(bits - 0x3fe6a09e667f3bcdu) >> 52;
  const double m = sb_from_bits_d(bits - ((uint64_t)exponent << 52)), s = (m - 1.0) / (m + 1.0), z = s * s;
  const double log2 = SB_D(s, SB_HORNER_6(SB_D, z, SB_POW_LOG), (double)exponent);
  int64_t n;
  const double e = sb_clamped_d((double)y * log2, -200.0, 200.0), r = e - sb_nearest_d(e, &n);
  const double value = SB_D(r, SB_HORNER_7(SB_D, r, SB_POW_EXP), 1.0) * sb_two_d(n);
  const float b = sb_abs(y) < 0x1p24f ? y : 0.0f; /* larger ones are even */
  const int32_t integer = (int32_t)b;
  const int whole = (float)integer == b;
  return (float)sb_power_of_any((double)x, (double)y, value, whole, whole & integer & 1);
}

/* log2 of |x| as high + low, |low| below 2**-53 of high: with s = f / (2 + f), log(1 + f) = s (2 + s**2 (2/3 + ...)). */
SB_INLINE double sb_log2_long(double x, double *low) {
  double k;
  const double f = sb_mantissa_d(sb_abs_d(x), &k), d = 2.0 + f, s = f / d;
  const double s_low = SB_D(-s, (2.0 - d) + f, SB_D(-s, d, f)) / d;
  const double z = s * s, z_low = SB_D(s, s, -z) + 2.0 * (s * s_low);
  const double more = z * SB_HORNER_7(SB_D, z, (SB_LOG_D + 1));
  const double a = 0x1.5555555555555p-1 + more, a_low = ((0x1.5555555555555p-1 - a) + more) + 0x1.5555555555555p-55;
  const double b = z * a, b_low = SB_D(z, a, -b) + SB_D(z, a_low, z_low * a);
  const double c = 2.0 + b, c_low = ((2.0 - c) + b) + b_low;
  const double g = s * c, g_low = SB_D(s, c, -g) + SB_D(s, c_low, s_low * c);
  const double h = g * SB_LOG2E, h_low = SB_D(g, SB_LOG2E, -h) + SB_D(g, SB_LOG2E_LO, g_low * SB_LOG2E);
  const double sum = k + h, rest = ((k - sum) + h) + h_low, high = sum + rest;
  *low = (sum - high) + rest;
  return high;
}

SB_INLINE double sb_pow_d(double x, double y) {
  double low;
  const double high = sb_log2_long(x, &low), e = y * high, e_low = SB_D(y, high, -e) + y * low;
  int64_t n;
  const double c = sb_clamped_d(e, -1100.0, 1100.0), k = sb_nearest_d(c, &n);
  const double r = (c - k) + (c == e ? e_low : 0.0), p = r * SB_HORNER_11(SB_D, r, SB_EXP2_D);
  const double value = sb_scaled_d(1.0 + p, n);
  const double b = sb_abs_d(y) < 0x1p53 ? y : 0.0;
  const int64_t integer = (int64_t)b;
  const int whole = (double)integer == b;
  return sb_power_of_any(x, y, value, whole, whole & (int)(integer & 1));
}

#endif
