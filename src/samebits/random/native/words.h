/* Many calls of Philox at once, in vectors of 64-bit lanes.

   A lane's low half holds a word; its high half may hold anything, for the products read
   low halves alone and the words are cut out at the end.  Lanes are given their calls such
   that the interleaving within 128 bits, which is what the machines have, leaves the words
   in order.
*/
#ifndef SAMEBITS_WORDS_H
#define SAMEBITS_WORDS_H

#include <string.h>

#include "philox.h"

#if defined(SB_TIER_IS_PLAIN)
/* no vectors */
#elif defined(__AVX512F__)
#include <immintrin.h>
typedef __m512i sb_vec;
#define SB_LANES 8
static const uint64_t sb_calls_of_lanes[8] = {0, 4, 1, 5, 2, 6, 3, 7};
#define SB_SET1(x) _mm512_set1_epi64((long long)(x))
#define SB_LOAD(p) _mm512_loadu_si512(p)
#define SB_STORE(p, v) _mm512_storeu_si512(p, v)
#define SB_ADD(a, b) _mm512_add_epi64(a, b)
#define SB_MUL(a, b) _mm512_mul_epu32(a, b)
#define SB_HIGH(a) _mm512_srli_epi64(a, 32)
#define SB_XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define SB_PAIR(low, high) _mm512_mask_shuffle_epi32(low, 0xAAAA, high, (_MM_PERM_ENUM)0xA0)
#define SB_FIRST(a, b) _mm512_unpacklo_epi64(a, b)
#define SB_SECOND(a, b) _mm512_unpackhi_epi64(a, b)
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i sb_vec;
#define SB_LANES 4
static const uint64_t sb_calls_of_lanes[4] = {0, 2, 1, 3};
#define SB_SET1(x) _mm256_set1_epi64x((long long)(x))
#define SB_LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define SB_STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define SB_ADD(a, b) _mm256_add_epi64(a, b)
#define SB_MUL(a, b) _mm256_mul_epu32(a, b)
#define SB_HIGH(a) _mm256_srli_epi64(a, 32)
#define SB_XOR3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#define SB_PAIR(low, high) _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA)
#define SB_FIRST(a, b) _mm256_unpacklo_epi64(a, b)
#define SB_SECOND(a, b) _mm256_unpackhi_epi64(a, b)
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
typedef uint64x2_t sb_vec;
#define SB_LANES 2
static const uint64_t sb_calls_of_lanes[2] = {0, 1};
#define SB_SET1(x) vdupq_n_u64(x)
#define SB_LOAD(p) vld1q_u64((const uint64_t *)(p))
#define SB_STORE(p, v) vst1q_u32((uint32_t *)(p), vreinterpretq_u32_u64(v))
#define SB_ADD(a, b) vaddq_u64(a, b)
#define SB_MUL(a, b) vmull_u32(vmovn_u64(a), vmovn_u64(b))
#define SB_HIGH(a) vshrq_n_u64(a, 32)
#define SB_XOR3(a, b, c) veorq_u64(veorq_u64(a, b), c)
#define SB_PAIR(low, high) vsliq_n_u64(low, high, 32)
#define SB_FIRST(a, b) vzip1q_u64(a, b)
#define SB_SECOND(a, b) vzip2q_u64(a, b)
#endif

#ifdef SB_LANES

#define SB_AT_ONCE (4 * SB_LANES) /* calls: four vectors hide the products' latency */

/* The words of the calls n, n + 1, ...: 4 * calls of them; calls is a multiple of SB_AT_ONCE. */
static void sb_words(uint64_t seed, uint64_t n, int64_t calls, uint32_t *out) {
  const sb_vec m0 = SB_SET1(SB_M0), m1 = SB_SET1(SB_M1), lanes = SB_LOAD(sb_calls_of_lanes);
  sb_vec k0[10], k1[10];
  for (int round = 0; round < 10; round++) {
    k0[round] = SB_SET1((uint32_t)((uint32_t)seed + (uint32_t)round * SB_W0));
    k1[round] = SB_SET1((uint32_t)((uint32_t)(seed >> 32) + (uint32_t)round * SB_W1));
  }
  for (int64_t done = 0; done < calls; done += SB_AT_ONCE) {
    sb_vec c0[4], c1[4], c2[4], c3[4];
    for (int v = 0; v < 4; v++) {
      c0[v] = SB_ADD(SB_SET1(n + (uint64_t)done + (uint64_t)(v * SB_LANES)), lanes);
      c1[v] = SB_HIGH(c0[v]);
      c2[v] = c3[v] = SB_SET1(0);
    }
    for (int round = 0; round < 10; round++)
      for (int v = 0; v < 4; v++) {
        const sb_vec a = SB_MUL(c0[v], m0), b = SB_MUL(c2[v], m1);
        c0[v] = SB_XOR3(SB_HIGH(b), c1[v], k0[round]);
        c1[v] = b;
        c2[v] = SB_XOR3(SB_HIGH(a), c3[v], k1[round]);
        c3[v] = a;
      }
    for (int v = 0; v < 4; v++) {
      const sb_vec a = SB_PAIR(c0[v], c1[v]), b = SB_PAIR(c2[v], c3[v]);
      uint32_t *at = out + 4 * (done + v * SB_LANES);
      SB_STORE(at, SB_FIRST(a, b));
      SB_STORE(at + 2 * SB_LANES, SB_SECOND(a, b));
    }
  }
}

#else

#define SB_AT_ONCE 1

static void sb_words(uint64_t seed, uint64_t n, int64_t calls, uint32_t *out) {
  for (int64_t call = 0; call < calls; call++) sb_philox(seed, n + (uint64_t)call, 0, out + 4 * call);
}

#endif
#endif
