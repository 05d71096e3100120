// A library to preload: CLOCK_REALTIME is off by the seconds in the file that CLOCK_JUMP_FILE names, read at every call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec* time) {
  static int (*real)(clockid_t, struct timespec*);
  if (real == NULL) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const int result = real(clock, time);
  const char* const path = getenv("CLOCK_JUMP_FILE");
  if (clock != CLOCK_REALTIME || path == NULL) return result;
  char text[32] = {0};
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    if (read(file, text, sizeof(text) - 1) > 0) time->tv_sec += atol(text);
    close(file);
  }
  return result;
}
