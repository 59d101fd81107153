/* Philox4x32-10: the four words of one call.  random/philox.py is the definition. */
#ifndef SAMEBITS_PHILOX_H
#define SAMEBITS_PHILOX_H

#include <stdint.h>

#define SB_M0 0xD2511F53u
#define SB_M1 0xCD9E8D57u
#define SB_W0 0x9E3779B9u
#define SB_W1 0xBB67AE85u

/* n: the counter's low half; s: its high half, the subsequence. */
static inline void sb_philox(uint64_t seed, uint64_t n, uint64_t s, uint32_t w[4]) {
  uint32_t c0 = (uint32_t)n, c1 = (uint32_t)(n >> 32), c2 = (uint32_t)s, c3 = (uint32_t)(s >> 32);
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t a = (uint64_t)SB_M0 * c0, b = (uint64_t)SB_M1 * c2;
    c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)b;
    c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)a;
    k0 += SB_W0;
    k1 += SB_W1;
  }
  w[0] = c0;
  w[1] = c1;
  w[2] = c2;
  w[3] = c3;
}

#endif
