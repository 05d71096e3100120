#include "client/commands/generation_flags.h"

#include <cstdint>
#include <string>

namespace attentiond::client {
namespace {

constexpr const char* kGroup = "Decoding (default: as the model's files say)";

// A number that goes into the field that `set` sets; the server checks its range.
template <typename Value, typename Set>
void AddNumber(CLI::App* app, const char* name, const char* description, Set set) {
  app->add_option_function<Value>(
         name, [set](Value value) { set(value); }, description)
      ->option_text("N")
      ->group(kGroup);
}

}  // namespace

void AddGenerationFlags(CLI::App* app, v1::GenerationParameters* parameters) {
  const auto p = parameters;
  AddNumber<int32_t>(app, "--num-beams", "texts that are decoded side by side, 1 to 16",
                     [p](int32_t n) { p->set_num_beams(n); });
  AddNumber<int32_t>(app, "--num-return-sequences", "print so many texts, the best first",
                     [p](int32_t n) { p->set_num_return_sequences(n); });
  AddNumber<int32_t>(app, "--max-new-tokens", "most tokens of a text",
                     [p](int32_t n) { p->set_max_new_tokens(n); });
  AddNumber<int32_t>(app, "--min-new-tokens", "fewest tokens of a text",
                     [p](int32_t n) { p->set_min_new_tokens(n); });
  AddNumber<double>(app, "--length-penalty", "of beams: above 0 favours longer texts",
                    [p](double x) { p->set_length_penalty(x); });
  AddNumber<double>(app, "--repetition-penalty", "above 1: what is there already is less likely",
                    [p](double x) { p->set_repetition_penalty(x); });
  AddNumber<int32_t>(app, "--no-repeat-ngram-size", "no so many tokens come twice; 0: they may",
                     [p](int32_t n) { p->set_no_repeat_ngram_size(n); });
  app->add_flag_function(
         "--sample", [p](int64_t) { p->set_do_sample(true); }, "draw tokens; needs one beam")
      ->group(kGroup);
  AddNumber<double>(app, "--temperature", "of --sample: above 1 more varied, below 1 less",
                    [p](double x) { p->set_temperature(x); });
  AddNumber<int32_t>(app, "--top-k", "of --sample: only the N likeliest tokens; 0: all",
                     [p](int32_t n) { p->set_top_k(n); });
  AddNumber<double>(app, "--top-p", "of --sample: only the likeliest that together have this",
                    [p](double x) { p->set_top_p(x); });
  AddNumber<uint64_t>(app, "--seed", "of --sample: the same seed draws the same",
                      [p](uint64_t n) { p->set_seed(n); });
}

}  // namespace attentiond::client
