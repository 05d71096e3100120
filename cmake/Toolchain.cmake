# Language level, warnings and sanitizers, as INTERFACE targets that every target of ours links.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, RelWithDebInfo or Debug" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# mold links a server that pulls in gRPC several times faster than bfd.
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

add_library(attentiond_warnings INTERFACE)
add_library(attentiond::warnings ALIAS attentiond_warnings)
target_compile_options(attentiond_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${ATTENTIOND_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # gcc 12 reports these inside libstdc++ when it inlines std::string and std::vector.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow>
  # And gcc 14 this inside absl::InlinedVector.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-maybe-uninitialized>)

add_library(attentiond_sanitizers INTERFACE)
add_library(attentiond::sanitizers ALIAS attentiond_sanitizers)
if(ATTENTIOND_SANITIZE)
  target_compile_options(attentiond_sanitizers INTERFACE
    -fsanitize=${ATTENTIOND_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(attentiond_sanitizers INTERFACE -fsanitize=${ATTENTIOND_SANITIZE})
endif()
if(ATTENTIOND_FUZZERS)
  # libFuzzer steers by what it covers in the libraries too.
  target_compile_options(attentiond_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()
