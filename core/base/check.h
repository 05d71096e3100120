// core/base/check.h -- ATTENTIOND_CHECK(condition): for mistakes of this program, never for what
// came from outside.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process with the place and the condition when it is false.
#define ATTENTIOND_CHECK(condition)                                                      \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
