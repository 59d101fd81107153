/* The optimizers of one tier; sb_lerp is in elementwise_tier.h. */
#include "optimizers.h"

/* p: weight decay, or 1 - lr times it where it is decoupled; 1 - beta1, beta2, 1 - beta2, the root of the second
   bias correction, eps, minus the step size. */
#define SB_ADAM(T, suffix, fma, root, lerp)                                                                 \
  SB_INLINE void SB_NAMED(sb_adam_loop, suffix)(T *P, const T *G, T *M, T *V, T *L, int64_t n, const double *p, \
                                                int parts, int decays, int largest) {                       \
    const T decay = (T)p[0], weight = (T)p[1], keep = (T)p[2], rest = (T)p[3];                              \
    const T root2 = (T)p[4], eps = (T)p[5], step = (T)p[6];                                                 \
    const T sign = parts & SB_MAXIMIZE ? -1 : 1, kept = parts & SB_DECOUPLED ? decay : 1;                   \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                  \
      const T x = P[i] * kept, signed_ = G[i] * sign, g = decays ? fma(decay, x, signed_) : signed_;        \
      const T m = lerp(M[i], g, weight), v = fma(rest * g, g, V[i] * keep);                                 \
      const T before = largest ? L[i] : v, w = (before > v) | (before != before) ? before : v;              \
      if (largest) L[i] = w;                                                                                \
      M[i] = m;                                                                                             \
      V[i] = v;                                                                                             \
      P[i] = x + (step * m) / (root(w) / root2 + eps);                                                      \
    }                                                                                                       \
  }                                                                                                         \
  static void SB_NAMED(sb_adam, suffix)(void *param, const void *grad, void *first, void *second, void *most, \
                                        int64_t n, const double *p, int parts) {                            \
    const int decays = !(parts & SB_DECOUPLED) && p[0] != 0;                                                \
    if (parts & SB_LARGEST)                                                                                 \
      decays ? SB_NAMED(sb_adam_loop, suffix)(param, grad, first, second, most, n, p, parts, 1, 1)          \
             : SB_NAMED(sb_adam_loop, suffix)(param, grad, first, second, most, n, p, parts, 0, 1);         \
    else                                                                                                    \
      decays ? SB_NAMED(sb_adam_loop, suffix)(param, grad, first, second, most, n, p, parts, 1, 0)          \
             : SB_NAMED(sb_adam_loop, suffix)(param, grad, first, second, most, n, p, parts, 0, 0);         \
  }
SB_ADAM(float, _f32, SB_F, __builtin_sqrtf, sb_lerp)
SB_ADAM(double, _f64, SB_D, __builtin_sqrt, sb_lerp_d)

/* p: weight decay, momentum, 1 - dampening, minus lr. */
#define SB_SGD(T, suffix, fma)                                                                              \
  static void SB_NAMED(sb_sgd, suffix)(void *param, const void *grad, void *buffer, void *b, void *c, int64_t n, \
                                       const double *p, int parts) {                                        \
    T *P = param, *B = buffer;                                                                              \
    const T *G = grad;                                                                                      \
    const T decay = (T)p[0], momentum = (T)p[1], weight = (T)p[2], step = (T)p[3];                          \
    const T sign = parts & SB_MAXIMIZE ? -1 : 1;                                                            \
    const int first = (parts & SB_FIRST) != 0, nesterov = (parts & SB_NESTEROV) != 0;                       \
    if (!(parts & SB_MOMENTUM)) {                                                                           \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                \
        const T signed_ = G[i] * sign, g = decay != 0 ? fma(decay, P[i], signed_) : signed_;                \
        P[i] = fma(step, g, P[i]);                                                                          \
      }                                                                                                     \
      return;                                                                                               \
    }                                                                                                       \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                  \
      const T signed_ = G[i] * sign, g = decay != 0 ? fma(decay, P[i], signed_) : signed_;                  \
      const T now = first ? g : fma(weight, g, B[i] * momentum);                                            \
      B[i] = now;                                                                                           \
      P[i] = fma(step, nesterov ? fma(momentum, now, g) : now, P[i]);                                       \
    }                                                                                                       \
  }
SB_SGD(float, _f32, SB_F)
SB_SGD(double, _f64, SB_D)

/* p: weight decay, eps, minus the step size. */
#define SB_ADAGRAD(T, suffix, fma, root)                                                                    \
  static void SB_NAMED(sb_adagrad, suffix)(void *param, const void *grad, void *sum, void *b, void *c, int64_t n, \
                                           const double *p, int parts) {                                    \
    T *P = param, *S = sum;                                                                                 \
    const T *G = grad;                                                                                      \
    const T decay = (T)p[0], eps = (T)p[1], step = (T)p[2], sign = parts & SB_MAXIMIZE ? -1 : 1;            \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                  \
      const T signed_ = G[i] * sign, g = decay != 0 ? fma(decay, P[i], signed_) : signed_;                  \
      const T s = fma(g, g, S[i]);                                                                          \
      S[i] = s;                                                                                             \
      P[i] = P[i] + (step * g) / (root(s) + eps);                                                           \
    }                                                                                                       \
  }
SB_ADAGRAD(float, _f32, SB_F, __builtin_sqrtf)
SB_ADAGRAD(double, _f64, SB_D, __builtin_sqrt)

const sb_optimizers SB_NAMED(sb_optimizers_, SB_TIER) = {
    .adam = {sb_adam_f32, sb_adam_f64}, .sgd = {sb_sgd_f32, sb_sgd_f64}, .adagrad = {sb_adagrad_f32, sb_adagrad_f64}};
