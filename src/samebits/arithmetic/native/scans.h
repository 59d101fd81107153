/* Running sums, products and log-sums of an array [O][N][I] along N, computed in double. */
#ifndef SAMEBITS_ARITHMETIC_SCANS_H
#define SAMEBITS_ARITHMETIC_SCANS_H

#include "base.h"

enum sb_scan_kind { SB_RUNNING_SUM, SB_RUNNING_PRODUCT, SB_RUNNING_LOG };

typedef struct {
  enum sb_scan_kind kind;
  const void *x;
  void *out;
  int64_t o, n, i;
} sb_scan;

/* Columns that are done together. */
enum { SB_SCAN_BLOCK = 32 };

/* Of float [0] and double [1]: items from .. to - 1 of the O rows, where I is 1, or of the O * blocks of I.
 */
typedef struct {
  void (*items[2])(const sb_scan *scan, int64_t from, int64_t to);
} sb_scans;

SB_KIND(sb_scans)

#endif
