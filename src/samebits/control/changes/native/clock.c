/* The clock of the day runs ahead by SAMEBITS_CLOCK_AHEAD seconds, for whoever asks by the C library.
 *
 * Loaded with LD_PRELOAD.  Clocks that only measure (CLOCK_MONOTONIC and the like) stay as they are.  Functions
 * that wait until a time of day are asked for one of ours, so a time that lies about as far ahead as the clock
 * is brought back; the kernel's own clock does not move.
 *
 * https://man7.org/linux/man-pages/man2/clock_gettime.2.html */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static time_t ahead = 0;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("SAMEBITS_CLOCK_AHEAD");
    ahead = text ? (time_t)atoll(text) : 0;
}

/* The C library's own function of this name. */
#define REAL(name) \
    static __typeof__(name) *real = NULL; \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static int of_the_day(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    REAL(clock_gettime);
    int result = real(clock, at);
    if (result == 0 && at && of_the_day(clock)) at->tv_sec += ahead;
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    REAL(gettimeofday);
    int result = real(at, zone);
    if (result == 0 && at) at->tv_sec += ahead;
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    if (base != TIME_UTC) return 0;
    return clock_gettime(CLOCK_REALTIME, at) == 0 ? base : 0;
}

/* A time of ours as the kernel has it; one that is not of ours (read from the kernel otherwise) stays. */
static const struct timespec *kernels(const struct timespec *until, struct timespec *room) {
    struct timespec now;
    if (!until || clock_gettime(CLOCK_REALTIME, &now) != 0) return until;
    if (until->tv_sec < now.tv_sec - ahead / 2) return until;
    *room = *until;
    room->tv_sec -= ahead;
    return room;
}

int sem_timedwait(sem_t *restrict what, const struct timespec *restrict until) {
    REAL(sem_timedwait);
    struct timespec room;
    return real(what, kernels(until, &room));
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict what, const struct timespec *restrict until) {
    REAL(pthread_mutex_timedlock);
    struct timespec room;
    return real(what, kernels(until, &room));
}

/* Of a condition whose clock is CLOCK_MONOTONIC a time is far behind ours, and stays. */
int pthread_cond_timedwait(
    pthread_cond_t *restrict what, pthread_mutex_t *restrict lock, const struct timespec *restrict until) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) = NULL;
    if (!real) {
        /* dlsym alone gives the oldest of its versions, of another layout. */
        void *found = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
        *(void **)&real = found ? found : dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    }
    struct timespec room;
    return real(what, lock, kernels(until, &room));
}

#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 30))
int sem_clockwait(sem_t *restrict what, clockid_t clock, const struct timespec *restrict until) {
    REAL(sem_clockwait);
    struct timespec room;
    return real(what, clock, of_the_day(clock) ? kernels(until, &room) : until);
}

int pthread_cond_clockwait(pthread_cond_t *restrict what, pthread_mutex_t *restrict lock, clockid_t clock,
                           const struct timespec *restrict until) {
    REAL(pthread_cond_clockwait);
    struct timespec room;
    return real(what, lock, clock, of_the_day(clock) ? kernels(until, &room) : until);
}

int pthread_mutex_clocklock(pthread_mutex_t *restrict what, clockid_t clock, const struct timespec *restrict until) {
    REAL(pthread_mutex_clocklock);
    struct timespec room;
    return real(what, clock, of_the_day(clock) ? kernels(until, &room) : until);
}
#endif

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    REAL(clock_nanosleep);
    struct timespec room;
    return real(clock, flags, of_the_day(clock) && (flags & TIMER_ABSTIME) ? kernels(until, &room) : until, left);
}

int timerfd_settime(int file, int flags, const struct itimerspec *new, struct itimerspec *old) {
    REAL(timerfd_settime);
    struct itimerspec room;
    struct timespec value;
    if (new && (flags & TFD_TIMER_ABSTIME)) {
        room = *new;
        if (room.it_value.tv_sec || room.it_value.tv_nsec) room.it_value = *kernels(&new->it_value, &value);
        new = &room;
    }
    return real(file, flags, new, old);
}
