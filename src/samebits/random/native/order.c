/* The order of random keys: the numbers 0 to n - 1 sorted by (word64(i), i).  random/order.py is the definition.
 *
 * The keys are uniform, so their top bits say where they belong, and one pass puts them there:
 *
 *   count    how many keys begin with each of the 2**b values of their top b bits
 *   scatter  each key goes to its bucket of `out`, as a record of 64 bits: the key's next bits above, i below
 *   sort     each bucket, which fits in the cache, is put in order, and of a record only i stays
 *
 * The words are made twice, in `count` and in `scatter`: that costs less than keeping them.  A record
 * drops the key's lowest bits, so neighbours with the same bits are compared by their whole words,
 * which are made again: about seventy pairs of 10**8 keys.  Nothing but `out`, a cache's worth a
 * thread, and 2**b counters a thread is needed.  The order is a total one, so neither the number of
 * threads nor the size of the buckets can change the result.
 *
 * Threads are started for one phase and joined: nothing is left that a fork could break.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(SB_ORDER_PLAIN)
#include <immintrin.h>
#define VECTORS 1
#else
#define VECTORS 0
#endif

#include "job.h"
#include "philox.h"

#define PIECE 512       /* words made at a time; even, as a call gives two */
#define SMALL 17        /* up to 2**17 numbers are one bucket, on one thread */
#define BUCKET 13       /* 2**13 records fit in any second-level cache, with their copies and counters */
#define BUCKETS 9       /* into more than 2**9 buckets at once a write misses the caches of lines and pages */
#define LARGE 18        /* buckets of more than 2**18 records cost more than that */
#define COUNTERS 20     /* at most 2**20 counters in a bucket */
#define PASSES 4        /* of exchanges */
#define CHECKED 16      /* neighbours compared at a time */
#define MANY (1 << 18)  /* below, a thread costs more than it saves */
#define THREADS 64      /* at most */

/* How many bits of a key a record may hold at most.  Fewer only in tests, to meet equal ones. */
#ifndef SB_ORDER_KEY_BITS
#define SB_ORDER_KEY_BITS 64
#endif

typedef struct {
  uint64_t key[2];    /* seed, offset */
  int64_t n;
  int number_bits;    /* of i, the low bits of a record */
  int bucket_bits;    /* of the key, which no record holds */
  int threads;
  int vectors;        /* whether this machine has them */
  uint64_t *out;
  int64_t *places;    /* (threads, buckets): counts, then where a thread's next record of a bucket goes */
  int64_t *bounds;    /* (buckets + 1,) */
  int64_t largest;    /* bucket */
} Plan;

typedef struct {
  const Plan *plan;
  int thread;
  void (*phase)(const Plan *, int thread, void *memory);
  void *memory;
} Task;

static inline uint64_t bucket_of(const Plan *p, uint64_t word) { return word >> 1 >> (63 - p->bucket_bits); }

static inline uint64_t record_of(const Plan *p, uint64_t word, int64_t i) {
  const uint64_t kept = ~0ull << (64 - SB_ORDER_KEY_BITS) & ~0ull << p->number_bits;
  return (word << p->bucket_bits & kept) | (uint64_t)i;
}

/* A thread's numbers; the first is even, so that it begins a call. */
static int64_t share(const Plan *p, int thread) {
  return thread == p->threads ? p->n : p->n / p->threads * thread & ~(int64_t)1;
}

/* The words of the numbers i, i + 1, ...: the bits that an int64 tensor gets. */
static void words_of(const Plan *p, int64_t i, int64_t size, uint64_t *words) {
  static const sb_parameters all_bits = {.range = 0};
  sb_fill_all(words, p->key, &all_bits, 1, size, i, 16 * SB_INTEGER + SB_U64, 1, NULL);
}

static uint64_t word_of(const Plan *p, uint64_t i) {
  uint32_t w[4];
  sb_philox(p->key[0], p->key[1] + i / 2, 0, w);
  return i % 2 ? (uint64_t)w[2] << 32 | w[3] : (uint64_t)w[0] << 32 | w[1];
}

static void count(const Plan *p, int thread, void *memory) {
  (void)memory;
  uint64_t words[PIECE];
  int64_t *counts = p->places + ((int64_t)thread << p->bucket_bits);
  for (int64_t i = share(p, thread), end = share(p, thread + 1); i < end; i += PIECE) {
    const int64_t size = end - i < PIECE ? end - i : PIECE;
    words_of(p, i, size, words);
    for (int64_t j = 0; j < size; j++) counts[bucket_of(p, words[j])]++;
  }
}

static void scatter(const Plan *p, int thread, void *memory) {
  (void)memory;
  uint64_t words[PIECE], *restrict out = p->out;
  int64_t *restrict places = p->places + ((int64_t)thread << p->bucket_bits);
  const Plan plan = *p; /* else each write to `out` might change it */
  for (int64_t i = share(p, thread), end = share(p, thread + 1); i < end; i += PIECE) {
    const int64_t size = end - i < PIECE ? end - i : PIECE;
    words_of(p, i, size, words);
    for (int64_t j = 0; j < size; j++) out[places[bucket_of(&plan, words[j])]++] = record_of(&plan, words[j], i + j);
  }
}

/* Whether the number in `a` comes before the one in `b`: by the whole words where the records' bits are the same. */
static int before(const Plan *p, uint64_t a, uint64_t b) {
  if ((a ^ b) >> p->number_bits) return a < b;
  const uint64_t number = ~(~0ull << p->number_bits);
  const uint64_t word_a = word_of(p, a & number), word_b = word_of(p, b & number);
  return word_a == word_b ? a < b : word_a < word_b;
}

/* Counters of a bucket of `size` records: one to two a record. */
static int counter_bits(int64_t size) {
  int bits = 0;
  while (bits < COUNTERS && size >> bits > 0) bits++;
  return bits;
}

/* Brings records that are near their places closer, without a branch to guess: twice the larger of two
 * neighbours moves up. */
static void approach(uint64_t *records, int64_t size) {
  uint64_t first = 0, second = 0;
  for (int64_t j = 0; j < size; j++) {
    const uint64_t record = records[j];
    const uint64_t low = record < first ? record : first, high = record < first ? first : record;
    if (j > 1) records[j - 2] = low < second ? low : second;
    second = low < second ? second : low;
    first = high;
  }
  if (size > 1) records[size - 2] = second;
  if (size > 0) records[size - 1] = first;
}

#if VECTORS
/* The same, eight records at once: neighbours are exchanged where they must be, in pairs that begin at even places,
 * then in those at odd ones, and so on. */
__attribute__((target("avx512f"))) static void approach_avx512(uint64_t *records, int64_t size) {
  for (int pass = 0; pass < PASSES; pass++) {
    int64_t j = pass % 2;
    for (; j + 8 <= size; j += 8) {
      const __m512i here = _mm512_loadu_si512(records + j);
      const __m512i there = _mm512_permutex_epi64(here, 0xB1); /* the neighbours */
      const __m512i less = _mm512_min_epu64(here, there);
      _mm512_storeu_si512(records + j, _mm512_mask_max_epu64(less, 0xAA, here, there));
    }
    for (; j + 2 <= size; j += 2) {
      const uint64_t a = records[j], b = records[j + 1];
      records[j] = a < b ? a : b;
      records[j + 1] = a < b ? b : a;
    }
  }
}
#endif

/* By the next bits of the keys each record comes near its place, by exchanges nearer, which leaves about
 * one in a hundred out of place.  Those are inserted; where bits are the same, too. */
static void order(const Plan *p, uint64_t *restrict records, int64_t size, uint64_t *restrict sorted,
                  uint32_t *restrict counts) {
  const int bits = counter_bits(size), shift = 63 - bits, number_bits = p->number_bits;
  const uint64_t number = ~(~0ull << number_bits);
  memset(counts, 0, sizeof *counts << bits);
  for (int64_t j = 0; j < size; j++) counts[records[j] >> 1 >> shift]++;
  uint32_t sum = 0;
  for (int64_t c = 0; c < (int64_t)1 << bits; c++) {
    const uint32_t more = counts[c];
    counts[c] = sum;
    sum += more;
  }
  for (int64_t j = 0; j < size; j++) sorted[counts[records[j] >> 1 >> shift]++] = records[j];
#if VECTORS
  if (p->vectors)
    approach_avx512(sorted, size);
  else
#endif
    approach(sorted, size);
  for (int64_t start = 1; start < size; start += CHECKED) {
    const int64_t end = start + CHECKED < size ? start + CHECKED : size;
    uint64_t wrong = 0;
    /* Two or more numbers leave the bits above them 63 at most, so that the sign of a difference compares them. */
    for (int64_t j = start; j < end; j++)
      wrong |= (sorted[j] >> number_bits) - (sorted[j - 1] >> number_bits) - 1;
    if (!(wrong >> 63)) continue;
    for (int64_t j = start; j < end; j++) {
      const uint64_t record = sorted[j];
      int64_t to = j;
      for (; to > 0 && before(p, record, sorted[to - 1]); to--) sorted[to] = sorted[to - 1];
      sorted[to] = record;
    }
  }
  for (int64_t j = 0; j < size; j++) records[j] = sorted[j] & number;
}

static void sort(const Plan *p, int thread, void *memory) {
  const int64_t buckets = (int64_t)1 << p->bucket_bits;
  uint64_t *sorted = memory;
  uint32_t *counts = (uint32_t *)(sorted + p->largest);
  for (int64_t bucket = buckets * thread / p->threads; bucket < buckets * (thread + 1) / p->threads; bucket++)
    order(p, p->out + p->bounds[bucket], p->bounds[bucket + 1] - p->bounds[bucket], sorted, counts);
}

static void *run(void *task) {
  const Task *t = task;
  t->phase(t->plan, t->thread, t->memory);
  return NULL;
}

/* One phase on all threads, the caller among them, each with `bytes` of memory of its own. */
static int all(const Plan *p, void (*phase)(const Plan *, int, void *), size_t bytes) {
  pthread_t threads[THREADS];
  Task tasks[THREADS];
  int started[THREADS];
  bytes = (bytes + 63) / 64 * 64;
  char *block = malloc(bytes * (size_t)p->threads + 64);
  if (!block) return 1;
  char *memory = block + (64 - (uintptr_t)block % 64);
  for (int t = 0; t < p->threads; t++) {
    tasks[t] = (Task){p, t, phase, memory + bytes * (size_t)t};
    started[t] = t && !pthread_create(&threads[t], NULL, run, &tasks[t]);
  }
  for (int t = 0; t < p->threads; t++)
    if (!started[t]) run(&tasks[t]);
  for (int t = 0; t < p->threads; t++)
    if (started[t]) pthread_join(threads[t], NULL);
  free(block);
  return 0;
}

static int permute(int64_t *out, const uint64_t key[2], int64_t n, int threads) {
  int bits = 0, failed;
  while ((n - 1) >> bits > 0) bits++;
  Plan plan = {.key = {key[0], key[1]}, .n = n, .number_bits = bits, .threads = threads};
  Plan *p = &plan;
  if (n < MANY || threads < 1) p->threads = 1;
  if (p->threads > THREADS) p->threads = THREADS;
  if (bits > SMALL || p->threads > 1)
    p->bucket_bits = bits < BUCKET + BUCKETS ? bits - BUCKET : bits < LARGE + BUCKETS ? BUCKETS : bits - LARGE;
#if VECTORS
  __builtin_cpu_init();
  p->vectors = __builtin_cpu_supports("avx512f") != 0;
#endif
  p->out = (uint64_t *)out;
  const int64_t buckets = (int64_t)1 << p->bucket_bits;
  const size_t counters = (size_t)(buckets * p->threads);
  p->places = calloc(counters + (size_t)buckets + 1, sizeof *p->places);
  if (!p->places) return 1;
  p->bounds = p->places + counters;
  failed = buckets > 1 && all(p, count, 1);
  if (!failed && buckets > 1) {
    int64_t sum = 0;
    for (int64_t bucket = 0; bucket < buckets; bucket++) {
      p->bounds[bucket] = sum;
      for (int t = 0; t < p->threads; t++) {
        int64_t *place = p->places + ((int64_t)t << p->bucket_bits) + bucket, more = *place;
        *place = sum;
        sum += more;
      }
      if (sum - p->bounds[bucket] > p->largest) p->largest = sum - p->bounds[bucket];
    }
    failed = all(p, scatter, 1);
  } else if (!failed) {
    p->largest = n;
    uint64_t words[PIECE];
    for (int64_t i = 0; i < n; i += PIECE) {
      const int64_t size = n - i < PIECE ? n - i : PIECE;
      words_of(p, i, size, words);
      for (int64_t j = 0; j < size; j++) p->out[i + j] = record_of(p, words[j], i + j);
    }
  }
  p->bounds[buckets] = n;
  if (!failed)
    failed = all(p, sort, (size_t)p->largest * sizeof(uint64_t) + (sizeof(uint32_t) << counter_bits(p->largest)));
  free(p->places);
  return failed;
}

/* out: (keys, n).  key: pairs of seed and offset.  n: at most 2**40.
   Returns 0, or 1 where memory is short; then `out` holds anything. */
int sb_permutation(int64_t *out, const uint64_t *key, int64_t keys, int64_t n, int threads) {
  for (int64_t k = 0; k < keys; k++)
    if (permute(out + k * n, key + 2 * k, n, threads)) return 1;
  return 0;
}
