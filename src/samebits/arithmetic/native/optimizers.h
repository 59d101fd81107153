/* One step of an optimizer, in place: what its operations, one after the other, would compute. */
#ifndef SAMEBITS_ARITHMETIC_OPTIMIZERS_H
#define SAMEBITS_ARITHMETIC_OPTIMIZERS_H

#include "base.h"

/* Which of the steps' parts there are. */
enum sb_step { SB_MAXIMIZE = 1, SB_DECOUPLED = 2, SB_LARGEST = 4, SB_MOMENTUM = 8, SB_FIRST = 16, SB_NESTEROV = 32 };

/* Of n elements: parameters, gradients and the optimizer's numbers; `p` are the step's scalars. */
typedef void (*sb_optimizer)(void *param, const void *grad, void *a, void *b, void *c, int64_t n, const double *p,
                             int parts);

typedef struct {
  sb_optimizer adam[2], sgd[2], adagrad[2]; /* in float, in double */
} sb_optimizers;
SB_KIND(sb_optimizers)

#endif
