/* Calls kernels again, elsewhere: reads calls with all that they were given, and writes what memory then holds.

   replay LIBRARY TIER CALLS RESULTS

   A call is its name, the memory that it is given, and its arguments; see recorded.py.  Whole numbers and addresses are
   one kind of argument and doubles another, in registers of their own, so that one prototype serves every kernel. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*kernel)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                      int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double, double,
                      double, double);

static FILE *calls, *results;

static void get(void *to, size_t bytes) {
  if (bytes && fread(to, bytes, 1, calls) != 1) {
    fprintf(stderr, "the calls end too soon\n");
    exit(2);
  }
}

static int64_t number(void) {
  int64_t n;
  get(&n, sizeof n);
  return n;
}

int main(int count, char **words) {
  if (count != 5) return 2;
  void *library = dlopen(words[1], RTLD_NOW);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  const char *(*use)(const char *) = (const char *(*)(const char *))dlsym(library, "sb_use");
  if (!use(words[2])) return 3;
  calls = fopen(words[3], "rb");
  results = fopen(words[4], "wb");
  if (!calls || !results) return 2;
  for (int64_t left = number(); left > 0; left--) {
    char name[64] = {0};
    get(name, (size_t)number());
    char *memory[32];
    int64_t bytes[32];
    const int64_t memories = number();
    for (int64_t m = 0; m < memories; m++) {
      bytes[m] = number();
      memory[m] = aligned_alloc(64, (size_t)(bytes[m] + 127) / 64 * 64);
      get(memory[m], (size_t)bytes[m]);
    }
    int64_t whole[20] = {0};
    double floating[4] = {0};
    int wholes = 0, floatings = 0;
    for (int64_t arguments = number(); arguments > 0; arguments--) {
      const int64_t kind = number();
      if (kind == 0) /* a number */
        whole[wholes++] = number();
      else if (kind == 1) /* a double */
        get(&floating[floatings++], sizeof(double));
      else { /* an address */
        const int64_t m = number(), offset = number();
        whole[wholes++] = (int64_t)(intptr_t)(memory[m] + offset);
      }
    }
    kernel call = (kernel)dlsym(library, name);
    if (!call) {
      fprintf(stderr, "no %s\n", name);
      return 2;
    }
    call(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], whole[6], whole[7], whole[8], whole[9], whole[10],
         whole[11], whole[12], whole[13], whole[14], whole[15], whole[16], whole[17], whole[18], whole[19], floating[0],
         floating[1], floating[2], floating[3]);
    for (int64_t m = 0; m < memories; m++) {
      fwrite(memory[m], (size_t)bytes[m], 1, results);
      free(memory[m]);
    }
  }
  return fclose(results) ? 2 : 0;
}
