/* Loops over elements: the list of operations, and their table. */
#ifndef SAMEBITS_ARITHMETIC_ELEMENTWISE_H
#define SAMEBITS_ARITHMETIC_ELEMENTWISE_H

#include "base.h"

/* X(name, inputs, in float, in double): of the elements a, b, c and the parameters p0 ... p3. */
#define SB_FUNCTIONS(X)                                                                                     \
  X(exp, 1, sb_exp(a), sb_exp_d(a))                                                                         \
  X(exp2, 1, sb_exp2(a), sb_exp2_d(a))                                                                      \
  X(expm1, 1, sb_expm1(a), sb_expm1_d(a))                                                                   \
  X(log, 1, sb_log(a), sb_log_d(a))                                                                         \
  X(log1p, 1, sb_log1p(a), sb_log1p_d(a))                                                                   \
  X(log2, 1, sb_log2(a), sb_log2_d(a))                                                                      \
  X(log10, 1, sb_log10(a), sb_log10_d(a))                                                                   \
  X(tanh, 1, sb_tanh(a), sb_tanh_d(a))                                                                      \
  X(sigmoid, 1, sb_sigmoid(a), sb_sigmoid_d(a))                                                             \
  X(erf, 1, sb_erf(a), sb_erf_d(a))                                                                         \
  X(erfc, 1, (float)sb_erfc_d((double)a), sb_erfc_d(a))                                                     \
  X(sqrt, 1, __builtin_sqrtf(a), __builtin_sqrt(a))                                                         \
  X(rsqrt, 1, 1.0f / __builtin_sqrtf(a), 1.0 / __builtin_sqrt(a))                                           \
  X(reciprocal, 1, 1.0f / a, 1.0 / a)                                                                       \
  X(square, 1, a *a, a *a)                                                                                  \
  X(cube, 1, a *a *a, a *a *a)                                                                              \
  X(inverse_square, 1, 1.0f / (a * a), 1.0 / (a * a))                                                       \
  X(pow_scalar, 1, sb_pow(a, p0), sb_pow_d(a, p0))                                                          \
  X(scalar_pow, 1, sb_pow(p0, a), sb_pow_d(p0, a))                                                          \
  X(pow, 2, sb_pow(a, b), sb_pow_d(a, b))                                                                   \
  X(logit, 1, sb_logit(a, p0), sb_logit_d(a, p0))                                                           \
  X(xlogy, 2, sb_xlogy(a, b), sb_xlogy_d(a, b))

/* Hyperbolic and inverse functions, and remainders. */
#define SB_INVERSES(X)                                                                                      \
  X(sinh, 1, (float)sb_sinh_d((double)a), sb_sinh_d(a))                                                     \
  X(cosh, 1, (float)sb_cosh_d((double)a), sb_cosh_d(a))                                                     \
  X(asinh, 1, (float)sb_asinh_d((double)a), sb_asinh_d(a))                                                  \
  X(acosh, 1, (float)sb_acosh_d((double)a), sb_acosh_d(a))                                                  \
  X(atanh, 1, (float)sb_atanh_d((double)a), sb_atanh_d(a))                                                  \
  X(atan, 1, (float)sb_atan_d((double)a), sb_atan_d(a))                                                     \
  X(asin, 1, (float)sb_asin_d((double)a), sb_asin_d(a))                                                     \
  X(acos, 1, (float)sb_acos_d((double)a), sb_acos_d(a))                                                     \
  X(atan2, 2, (float)sb_atan2_d((double)a, (double)b), sb_atan2_d(a, b))                                    \
  X(hypot, 2, sb_hypot(a, b), sb_hypot_d(a, b))                                                             \
  X(logaddexp, 2, sb_logaddexp(a, b), sb_logaddexp_d(a, b))                                                 \
  X(fmod, 2, __builtin_fmodf(a, b), __builtin_fmod(a, b))                                                   \
  X(remainder, 2, sb_remainder(a, b), sb_remainder_d(a, b))                                                 \
  X(erfinv, 1, (float)sb_erfinv_near((double)a), sb_erfinv_d(a))                                            \
  X(sinc, 1, (float)sb_sinc_d((double)a), sb_sinc_d(a))

/* Activations; of a derivative, a is the gradient and b the input, or the result. */
#define SB_ACTIVATIONS(X)                                                                                   \
  X(gelu, 1, sb_gelu(a), sb_gelu_d(a))                                                                      \
  X(gelu_backward, 2, a *sb_gelu_slope(b), a *sb_gelu_slope_d(b))                                           \
  X(gelu_tanh, 1, sb_gelu_tanh(a), sb_gelu_tanh_d(a))                                                       \
  X(gelu_tanh_backward, 2, a *sb_gelu_tanh_slope(b), a *sb_gelu_tanh_slope_d(b))                            \
  X(silu, 1, sb_silu(a), sb_silu_d(a))                                                                      \
  X(silu_backward, 2, a *sb_silu_slope(b), a *sb_silu_slope_d(b))                                           \
  X(mish, 1, sb_mish(a), sb_mish_d(a))                                                                      \
  X(mish_backward, 2, a *sb_mish_slope(b), a *sb_mish_slope_d(b))                                           \
  X(softplus, 1, sb_softplus(a, p0, p1), sb_softplus_d(a, p0, p1))                                          \
  X(softplus_backward, 2, b *p0 > p1 ? a : a * sb_sigmoid(b * p0), b *p0 > p1 ? a : a * sb_sigmoid_d(b * p0)) \
  X(logsigmoid, 1, sb_logsigmoid(a), sb_logsigmoid_d(a))                                                    \
  X(logsigmoid_backward, 2, a *sb_sigmoid(-b), a *sb_sigmoid_d(-b))                                         \
  X(tanh_backward, 2, a *SB_F(-b, b, 1.0f), a *SB_D(-b, b, 1.0))                                            \
  X(sigmoid_backward, 2, (a * (1.0f - b)) * b, (a * (1.0 - b)) * b)                                         \
  X(elu, 1, a <= 0 ? sb_expm1(a * p2) * p0 : a * p1, a <= 0 ? sb_expm1_d(a * p2) * p0 : a * p1)             \
  X(elu_backward, 2, b <= 0 ? (a * (p2 * p0)) * sb_exp(b * p2) : a * p1,                                    \
    b <= 0 ? (a * (p2 * p0)) * sb_exp_d(b * p2) : a * p1)                                                   \
  X(elu_backward_of_result, 2, b <= 0 ? (a * p2) * (b + p0) : a * p1, b <= 0 ? (a * p2) * (b + p0) : a * p1) \
  X(hardswish_backward, 2, b < -3 ? 0 : b <= 3 ? a * (b / 3 + 0.5f) : a, b < -3 ? 0 : b <= 3 ? a * (b / 3 + 0.5) : a) \
  X(logit_backward, 2, sb_logit_slope(a, b, p0), sb_logit_slope_d(a, b, p0))                                \
  X(glu, 2, a *sb_sigmoid(b), a *sb_sigmoid_d(b))                                                           \
  X(glu_backward, 3, ((a * b) * sb_sigmoid(c)) * sb_sigmoid(-c), ((a * b) * sb_sigmoid_d(c)) * sb_sigmoid_d(-c))

/* Choices: see choices.h. */
#define SB_CHOICES(X)                                                                                       \
  X(maximum, 2, sb_maximum(a, b), sb_maximum_d(a, b))                                                       \
  X(minimum, 2, sb_minimum(a, b), sb_minimum_d(a, b))                                                       \
  X(fmax, 2, sb_fmax(a, b), sb_fmax_d(a, b))                                                                \
  X(fmin, 2, sb_fmin(a, b), sb_fmin_d(a, b))                                                                \
  X(relu, 1, a <= 0 ? 0 : a, a <= 0 ? 0 : a)                                                                \
  X(clamp_min, 1, sb_bounded_below(a, p0), sb_bounded_below_d(a, p0))                                       \
  X(clamp_max, 1, sb_bounded_above(a, p0), sb_bounded_above_d(a, p0))                                       \
  X(clamp_numbers, 1, sb_bounded_above(sb_bounded_below(a, p0), p1),                                        \
    sb_bounded_above_d(sb_bounded_below_d(a, p0), p1))                                                      \
  X(clamp, 3, sb_clamp(a, b, c), sb_clamp_d(a, b, c))                                                       \
  X(softshrink, 1, sb_softshrink(a, p0), sb_softshrink_d(a, p0))                                            \
  X(hardsigmoid, 1, sb_hardsigmoid(a), sb_hardsigmoid_d(a))                                                 \
  X(hardsigmoid_backward, 2, (b > -3) & (b < 3) ? a / 6 : 0, (b > -3) & (b < 3) ? a / 6 : 0)                \
  X(hardswish, 1, a *sb_hardsigmoid(a), a *sb_hardsigmoid_d(a))                                             \
  X(div_floor, 2, sb_div_floor(a, b), sb_div_floor_d(a, b))                                                 \
  X(div_trunc, 2, __builtin_truncf(a / b), __builtin_trunc(a / b))

/* Products and sums in one: what is fused is fused in every element. */
#define SB_COMPOUNDS(X)                                                                                     \
  X(add, 2, SB_F(p0, b, a), SB_D(p0, b, a))                                                                 \
  X(addcmul, 3, SB_F(p0 * b, c, a), SB_D(p0 * b, c, a))                                                     \
  X(addcdiv, 3, a + (p0 * b) / c, a + (p0 * b) / c)                                                         \
  X(lerp_scalar, 2, sb_lerp(a, b, p0), sb_lerp_d(a, b, p0))                                                 \
  X(lerp, 3, sb_lerp(a, b, c), sb_lerp_d(a, b, c))

/* Whose loops look for arguments that cannot be reduced in vectors. */
#define SB_ANGLES(X) X(sin, 1, , ) X(cos, 1, , ) X(tan, 1, , )

#define SB_ELEMENTWISE(X) SB_FUNCTIONS(X) SB_INVERSES(X) SB_ACTIVATIONS(X) SB_CHOICES(X) SB_COMPOUNDS(X) SB_ANGLES(X)

enum sb_operation {
#define SB_OPERATION(name, inputs, single, wide) SB_OP_##name,
  SB_ELEMENTWISE(SB_OPERATION)
#undef SB_OPERATION
  SB_OPERATIONS
};

/* `out` may be one of the inputs; those that the operation has not are null. */
typedef void (*sb_loop)(void *out, const void *a, const void *b, const void *c, int64_t n, const double *p);

typedef struct {
  sb_loop single[SB_OPERATIONS], wide[SB_OPERATIONS];
  void (*widen)(float *out, const uint16_t *in, int64_t n, enum sb_dtype dtype);
  void (*narrow)(uint16_t *out, const float *in, int64_t n, enum sb_dtype dtype);
} sb_elementwise_loops;
SB_KIND(sb_elementwise_loops)

#endif
