// server/repository/task_label.cc -- one name for each kind of model.
#include "server/repository/task_label.h"

namespace attentiond {

const char* TaskLabel(ModelKind kind) {
  switch (kind) {
    case ModelKind::kAttentionLayer:
      return "attention_layer";
    case ModelKind::kSequenceClassification:
      return "sequence_classification";
    case ModelKind::kTokenClassification:
      return "token_classification";
    case ModelKind::kEmbedding:
      return "embedding";
    case ModelKind::kImageClassification:
      return "image_classification";
    case ModelKind::kTranslation:
      return "translation";
    case ModelKind::kCaptioning:
      return "image_captioning";
  }
  return "";
}

}  // namespace attentiond
