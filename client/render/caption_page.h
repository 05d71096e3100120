// client/render/caption_page.h -- a picture, its caption, and where each word of it looked, as one
// web page.
#pragma once

#include <string>
#include <vector>

namespace attentiond::client {

/// A word of a caption.
struct CaptionWord {
  std::string text;
  /// Attention to each patch of the picture, row by row; CaptionPicture.rows * columns of them.
  std::vector<double> weights;
};

struct CaptionPicture {
  std::string name;   ///< of the file
  std::string type;   ///< "image/png"
  std::string bytes;  ///< of the file
  std::string caption;
  double score = 0;           ///< log-probability by token
  int rows = 0, columns = 0;  ///< of patches; 0: the model has no such map
  std::vector<CaptionWord> words;
};

struct CaptionPage {
  std::string model;
  std::vector<CaptionPicture> pictures;
};

/// "image/png" or "image/jpeg" by the file's first bytes; "" for others.
std::string ImageType(const std::string& bytes);

/// One file that needs no network and no script: under each picture's caption, the picture once for
/// each word, dark where that word did not look. Maps cover the whole picture, as models see it
/// that resize without cutting.
std::string RenderCaptionHtml(const CaptionPage& page);

}  // namespace attentiond::client
