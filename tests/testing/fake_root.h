// tests/testing/fake_root.h -- a directory that stands in for "/", filled file by file.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace attentiond::testing {

/// Lives in the test's temporary directory and is removed with the object.
class FakeRoot {
 public:
  FakeRoot() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = ::testing::TempDir() + info->test_suite_name() + "." + info->name();
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  /// Writes `content` at `path`, which begins with "/"; makes the directories above it.
  void Write(const std::string& path, const std::string& content) {
    const std::filesystem::path file = path_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace attentiond::testing
