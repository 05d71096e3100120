#include "core/ops/softmax.h"

#include "core/reference/softmax.h"

namespace attentiond {

// A classifier has a few labels: the definition itself is fast enough.
void Softmax(absl::Span<float> row) { reference::Softmax(row); }

}  // namespace attentiond
