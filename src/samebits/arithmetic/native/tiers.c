/* Which set of instructions runs, and how work is parted among threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

#include "base.h"

enum sb_tier sb_chosen = SB_PLAIN_TIER;

static const struct {
  const char *name;
  enum sb_tier tier;
} sb_names[] = {{"plain", SB_PLAIN_TIER}, {"neon", SB_NEON_TIER}, {"avx2", SB_AVX2_TIER}, {"avx512", SB_AVX512_TIER}};

static int sb_has(enum sb_tier tier) {
  switch (tier) {
    case SB_PLAIN_TIER: return 1;
#if defined(SB_HAS_NEON)
    case SB_NEON_TIER: return 1; /* every 64-bit ARM has it */
#endif
#if defined(SB_HAS_AVX2)
    case SB_AVX2_TIER:
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#endif
#if defined(SB_HAS_AVX512)
    case SB_AVX512_TIER:
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
    default: return 0;
  }
}

/* Use the tier of this name, or the fastest for none; returns its name, or null where there is no such tier. */
const char *sb_use(const char *name) {
  for (int n = (int)(sizeof sb_names / sizeof sb_names[0]) - 1; n >= 0; n--)
    if (sb_has(sb_names[n].tier) && (name == NULL || strcmp(name, sb_names[n].name) == 0)) {
      sb_chosen = sb_names[n].tier;
      return sb_names[n].name;
    }
  return NULL;
}

#define SB_THREADS 1024

typedef struct {
  sb_work work;
  void *what;
  int64_t items;
  int ranges, next;
} sb_team;

static void sb_range(sb_team *t, int n) {
  const int64_t each = t->items / t->ranges, more = t->items % t->ranges;
  const int64_t from = n * each + (n < more ? n : more);
  t->work(t->what, from, from + each + (n < more));
}

static void *sb_member(void *team) {
  sb_team *t = team;
  for (int n; (n = __atomic_fetch_add(&t->next, 1, __ATOMIC_RELAXED)) < t->ranges;) sb_range(t, n);
  return NULL;
}

/* torch's own threads: what its compiler calls for `#pragma omp parallel`. */
typedef void (*sb_openmp)(void (*member)(void *), void *team, unsigned threads, unsigned flags);
static sb_openmp sb_torchs_threads;

void sb_use_threads(void *parallel) { sb_torchs_threads = (sb_openmp)parallel; }

static void sb_member_of_torchs(void *team) { sb_member(team); }

void sb_parallel(int64_t items, int64_t least, int threads, sb_work work, void *what) {
  int64_t ranges = items / (least < 1 ? 1 : least);
  ranges = ranges < threads ? ranges : threads;
  ranges = ranges > SB_THREADS ? SB_THREADS : ranges;
  if (ranges <= 1) {
    if (items > 0) work(what, 0, items);
    return;
  }
  sb_team team = {work, what, items, (int)ranges, 0};
  if (sb_torchs_threads != NULL) {
    sb_torchs_threads(sb_member_of_torchs, &team, (unsigned)ranges, 0);
    return;
  }
  pthread_t started[SB_THREADS];
  int running = 0;
  while (running < ranges - 1 && pthread_create(&started[running], NULL, sb_member, &team) == 0) running++;
  sb_member(&team); /* does what is left, also where no thread can be had */
  while (running > 0) pthread_join(started[--running], NULL);
}

typedef struct {
  void *memory[SB_SLOTS];
  size_t bytes[SB_SLOTS];
} sb_kept;

static pthread_key_t sb_key;
static pthread_once_t sb_once = PTHREAD_ONCE_INIT;
static __thread sb_kept *sb_mine;

static void sb_forget(void *kept) {
  sb_kept *k = kept;
  for (int slot = 0; slot < SB_SLOTS; slot++) free(k->memory[slot]);
  free(k);
}

static void sb_make_key(void) { pthread_key_create(&sb_key, sb_forget); }

void *sb_scratch(enum sb_slot slot, size_t bytes) {
  if (sb_mine == NULL) {
    pthread_once(&sb_once, sb_make_key);
    sb_mine = calloc(1, sizeof *sb_mine);
    if (sb_mine == NULL) return NULL;
    pthread_setspecific(sb_key, sb_mine);
  }
  if (sb_mine->bytes[slot] < bytes) {
    free(sb_mine->memory[slot]);
    bytes = (bytes + 4095) / 4096 * 4096;
    sb_mine->memory[slot] = aligned_alloc(4096, bytes);
    sb_mine->bytes[slot] = sb_mine->memory[slot] == NULL ? 0 : bytes;
  }
  return sb_mine->memory[slot];
}
