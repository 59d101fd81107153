/* Fills a part of a tensor with a distribution's numbers: chooses the tier, cuts the work for the threads.

   Plain C over plain memory: the caller has checked everything.
*/
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "job.h"
#include "philox.h"

#define SB_BLOCK 2048    /* words: with their numbers they stay in the first cache */
#define SB_SHARE 65536   /* elements that are worth a thread */
#define SB_THREADS 256

extern const sb_tier sb_tier_plain;
#if defined(SB_HAS_AVX2)
extern const sb_tier sb_tier_avx2;
#endif
#if defined(SB_HAS_AVX512)
extern const sb_tier sb_tier_avx512;
#endif
#if defined(SB_HAS_NEON)
extern const sb_tier sb_tier_neon;
#endif


const double *sb_wide_normal;

void sb_tables(const double *wide_normal) { sb_wide_normal = wide_normal; }

/* The tiers of this machine, the fastest last. */
static int sb_tiers(const sb_tier **found) {
  int n = 0;
  found[n++] = &sb_tier_plain;
#if defined(SB_HAS_AVX2) || defined(SB_HAS_AVX512)
  __builtin_cpu_init();
#endif
#if defined(SB_HAS_AVX2)
  if (__builtin_cpu_supports("avx2")) found[n++] = &sb_tier_avx2;
#endif
#if defined(SB_HAS_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    found[n++] = &sb_tier_avx512;
#endif
#if defined(SB_HAS_NEON)
  found[n++] = &sb_tier_neon; /* every 64-bit ARM has it */
#endif
  return n;
}

static const sb_tier *sb_chosen;

/* Use the tier of this name, or the fastest for none; returns its name, or null where there is no such tier. */
const char *sb_use(const char *name) {
  const sb_tier *found[4];
  for (int n = sb_tiers(found) - 1; n >= 0; n--)
    if (name == NULL || strcmp(name, found[n]->name) == 0) {
      sb_chosen = found[n];
      return sb_chosen->name;
    }
  return NULL;
}

typedef struct {
  const char *in;
  char *out;
  int distribution, dtype, dimensions;
  const uint64_t *keys; /* pairs of seed and offset */
  int64_t first;        /* the number of each key's first element */
  int64_t each;         /* elements of a key */
  const int64_t *shape, *strides; /* of a key's elements: how many, and how far their numbers lie apart */
  const sb_parameters *parameters;
  int64_t from, to; /* what a thread does, of all keys' elements */
} sb_task;

static const int64_t sb_bytes[SB_DTYPES] = {1, 2, 4, 8, 2, 2, 4, 8};

/* n numbers, the first of which has the number `at`. */
static void sb_run(const sb_task *t, const uint64_t key[2], int64_t at, int64_t n, const char *in, char *out) {
  const int64_t bytes = sb_bytes[t->dtype];
  const int wide = t->distribution == SB_TRUNCATED || (bytes == 8 && t->distribution != SB_BERNOULLI && t->distribution != SB_DROPOUT);
  const int64_t each = wide ? 2 : 4, words = wide ? 2 : 1, block = SB_BLOCK / words;
  const sb_transform distribution = sb_chosen->distributions[t->distribution][t->dtype];
  uint32_t buffer[SB_BLOCK + 4 * 64 + 4] __attribute__((aligned(64)));
  while (n > 0) {
    const int64_t skip = at % each, call = at / each;
    const int64_t now = n < block - skip ? n : block - skip;
    const int64_t calls = (skip + now + each - 1) / each;
    const int64_t rounded = (calls + sb_chosen->at_once - 1) / sb_chosen->at_once * sb_chosen->at_once;
    sb_chosen->words(key[0], key[1] + (uint64_t)call, rounded, buffer);
    distribution(buffer + skip * words, in, out, now, t->parameters);
    at += now;
    n -= now;
    out += now * bytes;
    in = in ? in + now * bytes : NULL;
  }
}

static void *sb_do(void *task) {
  const sb_task *t = task;
  const int last = t->dimensions - 1;
  const int64_t row = last < 0 ? 1 : t->shape[last], step = last < 0 ? 1 : t->strides[last];
  const int64_t bytes = sb_bytes[t->dtype];
  for (int64_t done = t->from; done < t->to;) {
    const int64_t element = done % t->each, inner = element % row;
    int64_t number = t->first + inner * step, rest = element / row;
    for (int d = last - 1; d >= 0; d--) {
      number += rest % t->shape[d] * t->strides[d];
      rest /= t->shape[d];
    }
    int64_t n = row - inner < t->to - done ? row - inner : t->to - done;
    n = step == 1 ? n : 1;
    sb_run(t, t->keys + done / t->each * 2, number, n, t->in ? t->in + done * bytes : NULL, t->out + done * bytes);
    done += n;
  }
  return NULL;
}

/* Fill `out`, contiguous: of each of `keys` keys the elements of a shape, whose numbers begin at `first` and lie
   `strides` apart.  `what` is 16 * distribution + dtype.  Returns 0, or 1 where the distribution has no such dtype. */
int sb_fill(void *out, const uint64_t *key, const sb_parameters *parameters, int64_t keys, int64_t first, int what,
            int threads, const void *in, int dimensions, const int64_t *shape, const int64_t *strides) {
  const int distribution = what / 16, dtype = what % 16;
  if (!sb_chosen) sb_use(NULL);
  if (sb_chosen->distributions[distribution][dtype] == NULL) return 1;
  int64_t each = 1;
  for (int d = 0; d < dimensions; d++) each *= shape[d];
  const int64_t all = keys * each;
  if (all == 0) return 0;
  sb_task tasks[SB_THREADS];
  pthread_t started[SB_THREADS];
  int64_t shares = all / SB_SHARE < threads ? all / SB_SHARE : threads;
  shares = shares < 1 ? 1 : shares > SB_THREADS ? SB_THREADS : shares;
  const int64_t share = (all / shares + 63) / 64 * 64;
  int running = 0;
  for (int64_t s = shares - 1; s >= 0; s--) {
    const int64_t from = s * share, to = s == shares - 1 || (s + 1) * share > all ? all : (s + 1) * share;
    tasks[s] = (sb_task){in, out, distribution, dtype, dimensions, key, first, each, shape, strides, parameters, from, to};
    if (from >= to) continue;
    if (s == 0 || pthread_create(&started[running], NULL, sb_do, &tasks[s]) != 0)
      sb_do(&tasks[s]); /* also where no thread can be had */
    else
      running++;
  }
  while (running > 0) pthread_join(started[--running], NULL);
  return 0;
}

/* The same for `each` elements of consecutive numbers. */
int sb_fill_all(void *out, const uint64_t *key, const sb_parameters *parameters, int64_t keys, int64_t each,
                int64_t first, int what, int threads, const void *in) {
  const int64_t one = 1;
  return sb_fill(out, key, parameters, keys, first, what, threads, in, 1, &each, &one);
}

/* Ask for large pages where `bytes` of new memory have none yet: only what lies wholly inside is touched. */
void sb_fresh(void *memory, int64_t bytes) {
#if defined(MADV_HUGEPAGE)
  const uintptr_t page = 4096, from = ((uintptr_t)memory + page - 1) / page * page;
  const uintptr_t to = ((uintptr_t)memory + (uintptr_t)bytes) / page * page;
  if (to > from) madvise((void *)from, to - from, MADV_HUGEPAGE); /* a hint: where it is refused nothing is lost */
#else
  (void)memory, (void)bytes;
#endif
}

/* The keys derived of each key with n, n + 1, ...: out[i][k] of key k with n + i. */
void sb_derive(uint64_t *out, const uint64_t *key, int64_t keys, uint64_t n, uint64_t subsequence, int64_t count) {
  uint32_t w[4];
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = 0; k < keys; k++, out += 2) {
      sb_philox(key[2 * k], key[2 * k + 1] + n + (uint64_t)i, subsequence, w);
      out[0] = w[0] | (uint64_t)w[1] << 32;
      out[1] = w[2] | (uint64_t)w[3] << 32;
    }
}
