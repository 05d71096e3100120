// client/commands/caption.cc -- attention-client caption: what is on pictures.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/caption_words.h"
#include "client/commands/commands.h"
#include "client/commands/generation_flags.h"
#include "client/commands/json_line.h"
#include "client/commands/progress_bar.h"
#include "client/file.h"
#include "client/render/caption_page.h"
#include "client/render/table.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints the name of each picture and its caption. Pictures are PNG or JPEG files.

--html writes one page for all of them: each picture with its caption, and for each word
the picture once more, bright where the model looked when it wrote that word.

Examples:
  attention-client caption --model caption photo.jpg
  attention-client caption -m caption --html captions.html *.png
  attention-client caption -m caption --num-beams 4 --num-return-sequences 4 photo.jpg
  attention-client caption -m caption --json *.jpg > captions.jsonl)";

// Page and picture stay readable, and a browser opens it.
constexpr size_t kMaxPagePictures = 50;
constexpr int64_t kMaxFileBytes = int64_t{256} << 20;

struct Flags {
  std::vector<std::string> files;
  std::string model, model_version, html;
  int rows = 8;
  bool json = false;
  v1::GenerationParameters generation;
};

absl::StatusOr<v1::CaptionRequest> MakeRequest(const Flags& flags,
                                               absl::Span<const std::string> files) {
  v1::CaptionRequest request;
  request.set_model(flags.model);
  request.set_model_version(flags.model_version);
  request.set_return_cross_attention(!flags.html.empty());
  *request.mutable_generation() = flags.generation;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(*request.add_images(), ReadFile(file, kMaxFileBytes));
    if (ImageType(request.images(request.images_size() - 1)).empty()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": neither a PNG nor a JPEG file"));
    }
  }
  return request;
}

void PrintTable(absl::Span<const std::string> files, const v1::CaptionResponse& response,
                const Console& console) {
  Table table({{"", Align::kLeft}, {"", Align::kRight}, {"", Align::kLeft, /*shrinks=*/true}});
  for (int i = 0; i < response.results_size(); ++i) {
    for (const v1::GeneratedText& text : response.results(i).alternatives()) {
      table.AddRow(
          {files[static_cast<size_t>(i)], absl::StrFormat("%.4f", text.score()), text.text()});
    }
  }
  *console.out << table.Render(console.columns);
}

void PrintJson(absl::Span<const std::string> files, const v1::CaptionResponse& response,
               const Console& console) {
  for (int i = 0; i < response.results_size(); ++i) {
    nlohmann::ordered_json object = {{"file", files[static_cast<size_t>(i)]}};
    object["captions"] = nlohmann::ordered_json::array();
    for (const v1::GeneratedText& text : response.results(i).alternatives()) {
      object["captions"].push_back({{"text", text.text()},
                                    {"score", FewestDigits(static_cast<float>(text.score()))},
                                    {"output_tokens", text.token_ids_size()}});
    }
    *console.out << JsonLine(object);
  }
}

absl::Status AddToPage(absl::Span<const std::string> files, const v1::CaptionRequest& request,
                       const v1::CaptionResponse& response, CaptionPage* page) {
  for (int i = 0; i < response.results_size(); ++i) {
    if (response.results(i).alternatives_size() == 0) continue;
    ASSIGN_OR_RETURN(CaptionPicture picture, ToPicture(response.results(i).alternatives(0)));
    picture.name = files[static_cast<size_t>(i)];
    picture.bytes = request.images(i);
    picture.type = ImageType(picture.bytes);
    page->pictures.push_back(std::move(picture));
  }
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  if (!flags.html.empty() && flags.files.size() > kMaxPagePictures) {
    return absl::InvalidArgumentError(
        absl::StrCat("--html takes at most ", kMaxPagePictures, " pictures"));
  }
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, console));
  CaptionPage page{flags.model, {}};
  const absl::Span<const std::string> files = flags.files;
  const bool shows_progress = console.columns == 0 && files.size() > 1;
  ProgressBar progress(shows_progress ? static_cast<int64_t>(files.size()) : 0, "pictures",
                       &console, Clock::Real());
  for (size_t first = 0; first < files.size(); first += static_cast<size_t>(flags.rows)) {
    const auto some = files.subspan(first, static_cast<size_t>(flags.rows));
    ASSIGN_OR_RETURN(const v1::CaptionRequest request, MakeRequest(flags, some));
    ASSIGN_OR_RETURN(const v1::CaptionResponse response,
                     session.Advise(session.client().Caption(request, session.call_options())));
    if (static_cast<size_t>(response.results_size()) != some.size()) {
      return absl::InternalError(absl::StrCat("the server sent ", response.results_size(),
                                              " results for ", some.size(), " pictures"));
    }
    (flags.json ? PrintJson : PrintTable)(some, response, console);
    if (!flags.html.empty()) RETURN_IF_ERROR(AddToPage(some, request, response, &page));
    progress.Advance(static_cast<int64_t>(some.size()));
  }
  if (flags.html.empty()) return absl::OkStatus();
  return WriteFile(flags.html, RenderCaptionHtml(page));
}

}  // namespace

void AddCaptionCommand(Program* program) {
  CLI::App* const command = program->AddCommand("caption", "Say what is on pictures", kFooter);
  const auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->files, "PNG or JPEG files")->option_text("...")->required();
  command->add_option("-m,--model", flags->model, "model of the server (attention-client models)")
      ->option_text("NAME");
  command->add_option("--model-version", flags->model_version, "its version (default: the newest)")
      ->option_text("N");
  command->add_option("--rows", flags->rows, "pictures in one request (default 8)")
      ->option_text("N")
      ->check(CLI::Range(1, 4096));
  command->add_flag("--json", flags->json, "print one JSON object a picture")->group("Output");
  command->add_option("--html", flags->html, "write a web page that needs no network")
      ->option_text("FILE")
      ->group("Output");
  AddGenerationFlags(command, &flags->generation);
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
