#include "core/weights/regular_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::TemporaryDirectory;

TEST(RegularFileTest, ReadsAll) {
  const TemporaryDirectory directory;
  auto opened = RegularFile::Open(directory.Write("x", absl::string_view("a\0b", 3)));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const RegularFile file = *std::move(opened);
  EXPECT_EQ(file.size(), 3);
  EXPECT_EQ(file.ReadAll().value(), std::string("a\0b", 3));
  EXPECT_EQ(file.ReadAll().value().size(), 3u);  // from the beginning each time
}

TEST(RegularFileTest, ReadsAnEmptyFile) {
  const TemporaryDirectory directory;
  const auto file = RegularFile::Open(directory.Write("x", ""));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->ReadAll().value(), "");
}

TEST(RegularFileTest, NoticesThatAFileHasShrunk) {
  const TemporaryDirectory directory;
  const std::string path = directory.Write("x", "0123456789");
  const auto file = RegularFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  std::filesystem::resize_file(path, 4);
  EXPECT_EQ(
      file->ReadAll().status(),
      absl::InvalidArgumentError(path + ": has shrunk to 4 bytes while it was read, it had 10"));
}

TEST(RegularFileTest, RefusesWhatIsNoRegularFile) {
  const TemporaryDirectory directory;
  const std::string file = directory.Write("x", "");
  EXPECT_EQ(RegularFile::Open(file + "/y").status(),
            absl::NotFoundError(file + "/y: no such file"));
  EXPECT_EQ(RegularFile::Open("/dev/null").status(),
            absl::InvalidArgumentError("/dev/null: is not a regular file, a file is required"));
}

}  // namespace
}  // namespace attentiond
