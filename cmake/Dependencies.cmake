# Every third-party library, with the version that Debian 12 has as the minimum. Why these: docs/adr/.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf 3.21 REQUIRED)   # the module: Debian's Protobuf ships no CMake config
find_package(gRPC 1.51 CONFIG REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(prometheus-cpp CONFIG REQUIRED)   # 1.0; its config states no version
find_package(civetweb 1.15 CONFIG REQUIRED)
find_package(nlohmann_json 3.11 CONFIG REQUIRED)
find_package(spdlog 1.10 CONFIG REQUIRED)
find_package(CLI11 2.1 CONFIG REQUIRED)
find_package(ICU 72 REQUIRED COMPONENTS uc i18n)
find_package(TBB 2021 CONFIG REQUIRED)
find_package(hwy 1.0 CONFIG REQUIRED)
find_package(PNG 1.6 REQUIRED)
find_package(JPEG REQUIRED)   # libjpeg-turbo 2.1; the module reports the interface's version, 62
find_package(PkgConfig REQUIRED)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8>=10.42)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# oneDNN is built once per version and set of options into a cache outside the tree, by scripts/setup.
if(NOT ATTENTIOND_ONEDNN_ROOT)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/onednn --prefix
    OUTPUT_VARIABLE ATTENTIOND_ONEDNN_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
find_package(dnnl 3.7.2 EXACT CONFIG PATHS ${ATTENTIOND_ONEDNN_ROOT} NO_DEFAULT_PATH)
if(NOT dnnl_FOUND)
  message(FATAL_ERROR "oneDNN 3.7.2 is not in ${ATTENTIOND_ONEDNN_ROOT}: run scripts/setup (it builds it once)")
endif()

# SentencePiece too.
if(NOT ATTENTIOND_SENTENCEPIECE_ROOT)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/scripts/sentencepiece --prefix
    OUTPUT_VARIABLE ATTENTIOND_SENTENCEPIECE_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endif()
if(NOT EXISTS ${ATTENTIOND_SENTENCEPIECE_ROOT}/.complete)
  message(FATAL_ERROR
    "SentencePiece is not in ${ATTENTIOND_SENTENCEPIECE_ROOT}: run scripts/setup (it builds it once)")
endif()
add_library(sentencepiece::sentencepiece STATIC IMPORTED)
set_target_properties(sentencepiece::sentencepiece PROPERTIES
  IMPORTED_LOCATION ${ATTENTIOND_SENTENCEPIECE_ROOT}/lib/libsentencepiece.a
  INTERFACE_INCLUDE_DIRECTORIES ${ATTENTIOND_SENTENCEPIECE_ROOT}/include)

if(ATTENTIOND_TESTS)
  find_package(GTest 1.12 CONFIG REQUIRED)
  if(ATTENTIOND_BENCHMARKS)
    find_package(benchmark 1.7 CONFIG REQUIRED)
  endif()
endif()
