/* Functions of one float, the same bits everywhere: one formula for all tiers, without a branch, so that loops over
   them become vectors.

   reference/functions.py is the definition, operation by operation; docs/reference/portable.md says it in words.
   The argument's integer part goes to the exponent, the rest to a polynomial.  Functions of double are in wide.h. */
#ifndef SAMEBITS_ARITHMETIC_FUNCTIONS_H
#define SAMEBITS_ARITHMETIC_FUNCTIONS_H

#include "coefficients.h"
#include "../../random/native/half.h"

#define SB_F __builtin_fmaf
/* A loop over a function that is called, and not inlined, is no vector. */
#define SB_INLINE static inline __attribute__((always_inline))

#define SB_HORNER_4(f, x, c) f(f(f(f(c[4], x, c[3]), x, c[2]), x, c[1]), x, c[0])
#define SB_HORNER_5(f, x, c) f(SB_HORNER_4(f, x, (c + 1)), x, c[0])
#define SB_HORNER_6(f, x, c) f(SB_HORNER_5(f, x, (c + 1)), x, c[0])
#define SB_HORNER_7(f, x, c) f(SB_HORNER_6(f, x, (c + 1)), x, c[0])
#define SB_HORNER_8(f, x, c) f(SB_HORNER_7(f, x, (c + 1)), x, c[0])
#define SB_HORNER_9(f, x, c) f(SB_HORNER_8(f, x, (c + 1)), x, c[0])

#define SB_LN2_HI_F 0x1.62e43p-1f
#define SB_LN2_LO_F -0x1.05c61p-29f
#define SB_LOG2E_F 0x1.715476p+0f
#define SB_LOG2E_LO_F 0x1.4ae0cp-26f
#define SB_LOG10E_F 0x1.bcb7b2p-2f
#define SB_LOG10E_LO_F -0x1.5b235ep-27f
#define SB_LN2_SHORT 0x1.62ep-1f /* times an exponent it is exact; the rest of ln(2) */
#define SB_LN2_REST 0x1.0bfbe8p-15f
#define SB_LOG10_2_SHORT 0x1.344p-2f
#define SB_LOG10_2_REST 0x1.3509f8p-18f
#define SB_WHOLE_F 0x1.8p+23f /* x + this - this is x to the nearest integer */
#define SB_GELU_1 0x1.988454p+0f  /* 2 sqrt(2 / pi) */
#define SB_GELU_3 0x1.2444f2p-4f  /* 0.044715 times that */
#define SB_PDF 0x1.988454p-2f     /* 1 / sqrt(2 pi) */

SB_INLINE float sb_abs(float x) { return sb_float(sb_pattern(x) & 0x7fffffffu); }
SB_INLINE float sb_with_sign(float magnitude, float sign) {
  return sb_float((sb_pattern(magnitude) & 0x7fffffffu) | (sb_pattern(sign) & 0x80000000u));
}

/* 2**n, -126 <= n <= 127 */
SB_INLINE float sb_two(int32_t n) { return sb_float(((uint32_t)n + 127u) << 23); }

/* y * 2**n, -252 <= n <= 254, rounded once where y is about 1 */
SB_INLINE float sb_scaled(float y, int32_t n) {
  const int32_t half = n >> 1;
  return (y * sb_two(half)) * sb_two((int32_t)((uint32_t)n - (uint32_t)half));
}

/* y * 2**n, -190 <= n <= 63, rounded once where y is about 1 or less */
SB_INLINE float sb_lowered(float y, int32_t n) { return (y * sb_two(n + 64)) * 0x1p-64f; }

/* (exp(r) - 1 - r) / r**2 */
SB_INLINE float sb_exp_tail(float r) {
  const float low = SB_F(r, SB_EXP[1], SB_EXP[0]), high = SB_F(r, SB_EXP[3], SB_EXP[2]), z = r * r;
  return SB_F(z, SB_F(z, SB_EXP[4], high), low);
}

/* exp(x) = (1 + the value) 2**n; NaN for NaN, with any n */
SB_INLINE float sb_reduced(float x, int32_t *n) {
  const float whole = SB_F(x, SB_LOG2E_F, SB_WHOLE_F), k = whole - SB_WHOLE_F;
  const float r = SB_F(-k, SB_LN2_LO_F, SB_F(-k, SB_LN2_HI_F, x));
  *n = (int32_t)(sb_pattern(whole) - 0x4b400000u);
  return SB_F(r * r, sb_exp_tail(r), r);
}

SB_INLINE float sb_clamped(float x, float least, float most) {
  x = x < least ? least : x;
  return x > most ? most : x;
}

SB_INLINE float sb_exp(float x) {
  const float y = sb_clamped(x, -105.0f, 89.0f);
  const float whole = SB_F(y, SB_LOG2E_F, SB_WHOLE_F), k = whole - SB_WHOLE_F;
  const float r = SB_F(-k, SB_LN2_LO_F, SB_F(-k, SB_LN2_HI_F, y));
  const float sum = 1.0f + r, lost = (1.0f - sum) + r;
  return sb_scaled(sum + SB_F(r * r, sb_exp_tail(r), lost), (int32_t)(sb_pattern(whole) - 0x4b400000u));
}

SB_INLINE float sb_exp2(float x) {
  const float y = sb_clamped(x, -151.0f, 129.0f), whole = y + SB_WHOLE_F, r = y - (whole - SB_WHOLE_F);
  const int32_t n = (int32_t)(sb_pattern(whole) - 0x4b400000u);
  return sb_scaled(SB_F(r, SB_HORNER_5(SB_F, r, SB_EXP2), 1.0f), n);
}

/* The half of 2**n r + (2**n - 1) is summed exactly, the rest added, and the sum doubled. */
SB_INLINE float sb_expm1(float x) {
  const float y = sb_clamped(x, -20.0f, 89.0f);
  const float whole = SB_F(y, SB_LOG2E_F, SB_WHOLE_F), k = whole - SB_WHOLE_F;
  const float near = SB_F(-k, SB_LN2_HI_F, y), r = SB_F(-k, SB_LN2_LO_F, near);
  const float low = SB_F(-k, SB_LN2_LO_F, near - r);
  const float power = sb_two((int32_t)(sb_pattern(whole) - 0x4b400001u)), rest = power - 0.5f;
  const float high = SB_F(power, r, rest), lost = SB_F(power, r, rest - high) + ((power - rest) - 0.5f);
  const float tail = SB_F(r * r, SB_HORNER_5(SB_F, r, SB_EXPM1), low);
  const float value = high + SB_F(power, tail, lost);
  return sb_abs(x) < 0x1p-25f ? x : value + value;
}

/* x = (1 + f) 2**k, 2/3 <= 1 + f < 4/3, of a positive finite x */
SB_INLINE float sb_mantissa(float x, float *k) {
  const int tiny = x < 0x1p-126f;
  const uint32_t bits = sb_pattern(tiny ? x * 0x1p23f : x);
  const int32_t exponent = (int32_t)(bits - 0x3f2aaaabu) >> 23;
  *k = (float)(exponent - (tiny ? 23 : 0));
  return sb_float(bits - ((uint32_t)exponent << 23)) - 1.0f;
}

/* `value`, which is right for a positive finite x, or log(x) of another. */
SB_INLINE float sb_log_of_any(float x, float value) {
  const float other = x == 0.0f ? -INFINITY : x == INFINITY ? x : NAN;
  return (x > 0.0f) & (x < INFINITY) ? value : other;
}

/* a + b + low, |a| >= |b| or a = 0 */
SB_INLINE float sb_sum(float a, float b, float low) {
  const float sum = a + b;
  return sum + (((a - sum) + b) + low);
}

SB_INLINE float sb_log(float x) {
  float k;
  const float f = sb_mantissa(x, &k), t = SB_HORNER_8(SB_F, f, SB_LOG);
  return sb_log_of_any(x, sb_sum(k * SB_LN2_SHORT, f, SB_F(f * f, t, k * SB_LN2_REST)));
}

SB_INLINE float sb_log2(float x) {
  float k;
  const float f = sb_mantissa(x, &k), t = SB_HORNER_8(SB_F, f, SB_LOG2);
  const float high = f * SB_LOG2E_F, low = SB_F(f, SB_LOG2E_F, -high) + f * SB_LOG2E_LO_F;
  return sb_log_of_any(x, sb_sum(k, high, SB_F(f * f, t, low)));
}

SB_INLINE float sb_log10(float x) {
  float k;
  const float f = sb_mantissa(x, &k), t = SB_HORNER_9(SB_F, f, SB_LOG10);
  const float high = f * SB_LOG10E_F, square = f * f;
  const float low = SB_F(f, SB_LOG10E_F, -high) + f * SB_LOG10E_LO_F;
  const float rest = SB_F(SB_F(f, f, -square), t, SB_F(k, SB_LOG10_2_REST, low));
  return sb_log_of_any(x, sb_sum(k * SB_LOG10_2_SHORT, high, SB_F(square, t, rest)));
}

/* 1 + x = (1 + f + lost) 2**k, with f of x itself, rounded once. */
SB_INLINE float sb_log1p(float x) {
  const float u = 1.0f + x;
  const int32_t exponent = (int32_t)(sb_pattern(u) - 0x3f2aaaabu) >> 23, half = exponent >> 1;
  const float one = sb_two(-half), other = sb_two(half - exponent), k = (float)exponent;
  const float part = x * one, rest = one * other - 1.0f;
  const float f = SB_F(part, other, rest), lost = SB_F(part, other, rest - f);
  const float low = SB_F(-f, lost, lost) + k * SB_LN2_REST;
  const float value = sb_sum(k * SB_LN2_SHORT, f, SB_F(f * f, SB_HORNER_8(SB_F, f, SB_LOG), low));
  return x == 0.0f ? x : sb_log_of_any(u, value);
}

SB_INLINE float sb_tanh(float x) {
  const float a = sb_abs(x), b = a > 10.0f ? 10.0f : a, z = b * b;
  int32_t n;
  const float p = sb_reduced(b + b, &n), power = sb_two(n);
  const float large = 1.0f - 2.0f / SB_F(p, power, power + 1.0f);
  const float small = SB_F(b * z, SB_HORNER_6(SB_F, z, SB_TANH), b);
  return sb_with_sign(b < 1.0f ? small : large, x);
}

/* sigmoid(-a) = 2**-n w = s w, 0 <= a <= 110: w is the reciprocal of 1 + p + s, corrected once. */
SB_INLINE float sb_logistic(float a, float *s, int32_t *n) {
  const float p = sb_reduced(a, n);
  *s = sb_two(-(*n > 126 ? 126 : *n));
  const float sum = *s + 1.0f, d = sum + p, q = 1.0f / d;
  const float lost = ((sum - d) + p) + ((1.0f - sum) + *s);
  return SB_F(q, SB_F(-q, lost, SB_F(-q, d, 1.0f)), q);
}

/* |x|, or `most` if that is less, or if x is NaN: without the latency of a comparison */
SB_INLINE float sb_at_most(float x, float most) {
  const uint32_t bits = sb_pattern(x) & 0x7fffffffu, limit = sb_pattern(most);
  return sb_float(bits < limit ? bits : limit);
}

/* sigmoid(v), and sigmoid(-v) in *other; v is not NaN */
SB_INLINE float sb_sigmoids(float v, float *other) {
  float s;
  int32_t n;
  const float w = sb_logistic(sb_at_most(v, 110.0f), &s, &n);
  const float small = sb_lowered(w, -n), large = SB_F(-s, w, 1.0f);
  *other = v < 0.0f ? large : small;
  return v < 0.0f ? small : large;
}

SB_INLINE float sb_sigmoid(float x) {
  float other;
  const float value = sb_sigmoids(x, &other);
  return x != x ? x : value;
}

/* x for x > 0, otherwise 0 of its sign, or NaN */
SB_INLINE float sb_above(float x) { return x > 0.0f ? x : x * 0.0f; }

/* x sigmoid(v), v of the sign of x: x - |x| sigmoid(-|v|) above 0, -|x| sigmoid(-|v|) below */
SB_INLINE float sb_gated(float x, float v) {
  float s;
  int32_t n;
  const float w = sb_logistic(sb_at_most(v, 110.0f), &s, &n);
  return sb_above(x) - sb_lowered(sb_at_most(x, 110.0f) * w, -n);
}

SB_INLINE float sb_silu(float x) { return sb_gated(x, x); }

SB_INLINE float sb_gelu_tanh(float x) { return sb_gated(x, x * SB_F(x * x, SB_GELU_3, SB_GELU_1)); }

/* log(1 + exp(x)) */
SB_INLINE float sb_log1p_exp(float x) {
  return (x < 0.0f ? 0.0f : x) + sb_log1p(sb_exp(-sb_abs(x)));
}

SB_INLINE float sb_softplus(float x, float beta, float threshold) {
  const float z = x * beta;
  return z > threshold ? x : sb_log1p_exp(z) / beta;
}

SB_INLINE float sb_logsigmoid(float x) { return (x < 0.0f ? x : 0.0f) - sb_log1p(sb_exp(-sb_abs(x))); }

/* tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2), e = m 2**n */
SB_INLINE float sb_mish(float x) {
  int32_t n;
  const float y = sb_clamped(x, -110.0f, 20.0f), m = 1.0f + sb_reduced(y, &n);
  const float power = sb_scaled(1.0f, n), w = m * SB_F(power, m, 2.0f);
  const float value = sb_scaled((y * w) / SB_F(power, w, 2.0f), n);
  return x > 20.0f ? x : x < -110.0f ? x * 0.0f : value;
}

SB_INLINE float sb_erf(float x) {
  const float a = sb_abs(x), b = a > 3.95f ? 3.95f : a;
  const float small = SB_F(b, SB_HORNER_6(SB_F, b * b, SB_ERF), b);
  const float c = SB_HORNER_6(SB_F, b, SB_ERFC), y = -b * c, e = sb_exp(y);
  const float large = 1.0f - SB_F(e, SB_F(-b, c, -y), e);
  return sb_with_sign(b < 1.0f ? small : large, x);
}

/* With a = |x|, Phi(-a) = (1 + the value) g 2**n: exp(-a**2 / 2), whose exponent is taken exactly, times a
   polynomial of (4 - a) / (4 + a). */
SB_INLINE float sb_normal(float x, float *g, int32_t *n) {
  const float b = sb_at_most(x, 14.5f);
  const float square = b * b, lost = SB_F(b, b, -square), y = -0.5f * square;
  const float whole = SB_F(y, SB_LOG2E_F, SB_WHOLE_F), k = whole - SB_WHOLE_F;
  const float r = SB_F(-k, SB_LN2_HI_F, y) + SB_F(-k, SB_LN2_LO_F, -0.5f * lost);
  const float u = 1.0f - (b + b) / (4.0f + b);
  *n = (int32_t)(sb_pattern(whole) - 0x4b400000u);
  *g = SB_HORNER_9(SB_F, u, SB_NORMAL);
  return SB_F(r * r, sb_exp_tail(r), r);
}

/* x - |x| Phi(-|x|) above 0, -|x| Phi(-|x|) below */
SB_INLINE float sb_gelu(float x) {
  float g;
  int32_t n;
  const float p = sb_normal(x, &g, &n), part = sb_at_most(x, 14.5f) * g;
  return sb_above(x) - sb_lowered(SB_F(part, p, part), n);
}

/* Phi(x) + x exp(-x**2 / 2) / sqrt(2 pi) */
SB_INLINE float sb_gelu_slope(float x) {
  float g;
  int32_t n;
  const float p = sb_normal(x, &g, &n), tail = sb_lowered(SB_F(g, p, g), n);
  const float part = sb_at_most(x, 14.5f) * SB_PDF, density = sb_lowered(SB_F(part, p, part), n);
  return x > 0.0f ? (1.0f - tail) + density : x <= 0.0f ? tail - density : x;
}

/* With s = sigmoid(v), v = x (c1 + c3 x**2): s + x s (1 - s) (c1 + 3 c3 x**2); for |x| > 11 s is 0 or 1. */
SB_INLINE float sb_gelu_tanh_slope(float x) {
  const float b = sb_clamped(x, -11.0f, 11.0f), z = b * b;
  float other;
  const float s = sb_sigmoids(b * SB_F(z, SB_GELU_3, SB_GELU_1), &other);
  return SB_F(s * other, b * SB_F(z, 3.0f * SB_GELU_3, SB_GELU_1), s);
}

/* s (1 + x (1 - s)), s = sigmoid(x) */
SB_INLINE float sb_silu_slope(float x) {
  float other;
  const float s = sb_sigmoids(x, &other);
  return s * SB_F(x, other, 1.0f);
}

/* With e = exp(x), w = e (e + 2): w / (w + 2) + x 4 e (e + 1) / (w + 2)**2 */
SB_INLINE float sb_mish_slope(float x) {
  const float y = sb_clamped(x, -110.0f, 20.0f), e = sb_exp(y), w = e * (e + 2.0f), d = w + 2.0f;
  return SB_F((4.0f * e) * (e + 1.0f) / d, y / d, w / d);
}

#endif
