#include "client/commands/attend_example.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/commands/attend_check.h"
#include "client/commands/matrix.h"
#include "client/render/heat_map.h"
#include "client/tensor_conversion.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr int kWords = 3, kChannels = 4;
using Matrix = std::array<float, kWords * kChannels>;

const std::vector<std::string> kLabels = {"The", "cat", "sat"};

// Channels: noun, verb, article, and one that plays no part. A query says what its word looks for
// (an article for a noun, a noun and an article for a verb), a key what its word is.
constexpr Matrix kQuery = {3, 0, 0, 0,  //
                           0, 2, 3, 0,  //
                           4, 0, 1, 0};
constexpr Matrix kKey = {0, 0, 2, 1,  //
                         2, 0, 0, 1,  //
                         0, 2, 0, 1};
constexpr Matrix kValue = {1,    0,    0.5f, 0,     //
                           0,    1,    0,    0.5f,  //
                           0.5f, 0.5f, 1,    -1};

Tensor ToTensor(const Matrix& matrix) {
  Tensor tensor(DType::kF32, Shape({1, 1, kWords, kChannels}));
  std::copy(matrix.begin(), matrix.end(), tensor.values<float>().begin());
  return tensor;
}

}  // namespace

absl::Status RunAttendExample(Session* session, const Console& console) {
  AttendInputs inputs;
  inputs.query = ToTensor(kQuery);
  inputs.key = ToTensor(kKey);
  inputs.value = ToTensor(kValue);
  ASSIGN_OR_RETURN(v1::AttendRequest request, ToRequest(inputs));
  request.set_return_weights(true);
  ASSIGN_OR_RETURN(const v1::AttendResponse response,
                   session->Advise(session->client().Attend(request, session->call_options())));
  ASSIGN_OR_RETURN(const AttendCheck check, CheckReply(inputs, response));
  ASSIGN_OR_RETURN(const TensorView output, FromProto(response.output()));
  ASSIGN_OR_RETURN(const TensorView weights, FromProto(response.weights()));

  *console.out << "Attention(Q, K, V) = softmax(Q K^T / sqrt(d)) V of three words, d = 4\n\n"
               << "Q, what each word looks for\n"
               << FormatMatrix(inputs.query.view(), kLabels) << "\nK, what each word is\n"
               << FormatMatrix(inputs.key.view(), kLabels) << "\nV, what each word has to say\n"
               << FormatMatrix(inputs.value.view(), kLabels)
               << "\nsoftmax(Q K^T / sqrt(d)): where each word looks, in % of its row\n";
  ASSIGN_OR_RETURN(const Tensor shown, ToFloat32(weights));
  const absl::Span<const float> values = shown.values<float>();
  const HeatMap map{"", kLabels, kLabels, std::vector<float>(values.begin(), values.end())};
  *console.out << RenderHeatMapTerminal(map, {console.color, console.columns})
               << "\nThe server's output: for each word the mean of V with these weights\n"
               << FormatMatrix(output, kLabels)
               << absl::StrFormat(
                      "\nComputed here in double precision, the largest difference is %.1e; "
                      "rounding allows %.1e: %s.\n",
                      check.largest_difference, check.bound,
                      check.agrees() ? "they agree" : "THEY DISAGREE");
  if (check.agrees()) return absl::OkStatus();
  return absl::DataLossError("the server's result is not softmax(Q K^T / sqrt(d)) V");
}

}  // namespace attentiond::client
