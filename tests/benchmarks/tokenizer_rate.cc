// tests/benchmarks/tokenizer_rate.cc -- our side of tokenizer_peers.py.
//
// usage: tokenizer_rate DIRECTORY TEXTS     TEXTS is a file with a JSON list of strings
// For each number of seconds on stdin, encodes all texts on one thread until they are over, and
// prints how long one pass took.
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text/tokenizer.h"

namespace {

using Clock = std::chrono::steady_clock;

// Seconds a pass.
double Measure(const attentiond::Tokenizer& tokenizer, const std::vector<std::string>& texts,
               double seconds) {
  const auto begin = Clock::now();
  int64_t passes = 0;
  double elapsed = 0;
  do {
    std::vector<attentiond::Encoding> batch;
    batch.reserve(texts.size());
    for (const std::string& text : texts) {
      auto encoding = tokenizer.Encode(text, std::nullopt, {});
      if (!encoding.ok()) throw std::runtime_error(std::string(encoding.status().message()));
      batch.push_back(*std::move(encoding));
    }
    ++passes;
    elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (elapsed < seconds);
  return elapsed / static_cast<double>(passes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: tokenizer_rate DIRECTORY TEXTS\n";
    return 64;
  }
  const auto tokenizer = attentiond::Tokenizer::Load(argv[1]);
  if (!tokenizer.ok()) {
    std::cerr << tokenizer.status().message() << "\n";
    return 1;
  }
  std::ifstream in(argv[2]);
  const std::vector<std::string> texts = nlohmann::json::parse(in);
  for (double seconds = 0; std::cin >> seconds;) {
    std::cout << Measure(**tokenizer, texts, seconds) << std::endl;
  }
  return 0;
}
