// tests/fuzz/replay_main.cc -- runs a fuzzer without libFuzzer, as an ordinary test: on every file
// of its corpus, then on a fixed number of mutations of each, the same ones every time.
//
// usage: NAME_replay FILE_OR_DIRECTORY...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr int kMutationsPerFile = 500;
constexpr int kMaxChangesPerMutation = 4;

Bytes Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The files that the arguments name, in an order that does not depend on the file system.
std::vector<fs::path> CorpusFiles(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      files.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// One small change: what a broken disk, transfer or author does.
void Mutate(const Bytes& other, std::mt19937* random, Bytes* bytes) {
  const auto below = [random](size_t limit) { return limit == 0 ? 0 : (*random)() % limit; };
  const size_t size = bytes->size();
  const auto at = bytes->begin() + static_cast<ptrdiff_t>(below(size + 1));
  switch (below(6)) {
    case 0:  // flip a bit
      if (at != bytes->end()) *at = static_cast<uint8_t>(*at ^ (1u << below(8)));
      break;
    case 1:  // replace a byte
      if (at != bytes->end()) *at = static_cast<uint8_t>(below(256));
      break;
    case 2:  // insert a byte
      bytes->insert(at, static_cast<uint8_t>(below(256)));
      break;
    case 3:  // cut the end off
      bytes->erase(at, bytes->end());
      break;
    case 4: {  // leave a part out
      const auto rest = static_cast<size_t>(bytes->end() - at);
      bytes->erase(at, at + static_cast<ptrdiff_t>(below(std::min<size_t>(rest, 16) + 1)));
      break;
    }
    default: {  // insert a part of another file
      const size_t begin = below(other.size());
      const size_t length = below(std::min<size_t>(other.size() - begin, 64) + 1);
      const auto part = other.begin() + static_cast<ptrdiff_t>(begin);
      bytes->insert(at, part, part + static_cast<ptrdiff_t>(length));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<fs::path> files = CorpusFiles(argc, argv);
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s FILE_OR_DIRECTORY...\n", argv[0]);
    return 64;
  }
  std::vector<Bytes> corpus;
  for (const fs::path& file : files) {
    corpus.push_back(Read(file));
    LLVMFuzzerTestOneInput(corpus.back().data(), corpus.back().size());
  }
  std::mt19937 random(1);
  for (const Bytes& original : corpus) {
    for (int i = 0; i < kMutationsPerFile; ++i) {
      Bytes bytes = original;
      for (auto changes = 1 + random() % kMaxChangesPerMutation; changes > 0; --changes) {
        Mutate(corpus[random() % corpus.size()], &random, &bytes);
      }
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
  }
  std::printf("%zu files, %d mutations of each\n", corpus.size(), kMutationsPerFile);
  return 0;
}
