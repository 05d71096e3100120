// What a look at the folder loads and unloads; loading is replaced by a function of the test.
#include "server/repository/repository_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/testing/fake_metrics.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RepositoryWatchTest : public ::testing::Test {
 protected:
  RepositoryWatchTest() {
    Write("old/config.json", "{}");
    ModelRepository::Options options;
    options.repository_directory = directory_.path();
    options.load_model = [](const std::string& directory, const LoadOptions&)
        -> absl::StatusOr<std::shared_ptr<const Model>> {
      if (std::filesystem::exists(directory + "/broken")) {
        return absl::InvalidArgumentError("broken");
      }
      return testing::MakeFakeModel({});
    };
    repository_ = std::make_unique<ModelRepository>(options, &scheduler_, &metrics_, &threads_,
                                                    Clock::Real());
    EXPECT_TRUE(repository_->LoadAll().ok());
    watch_ = std::make_unique<RepositoryWatch>(
        directory_.path(), repository_.get(),
        [this](const std::string& name, absl::string_view what, const absl::Status& status) {
          done_.push_back(absl::StrCat(name, " ", what, status.ok() ? "" : " failed"));
        });
  }

  void Write(const std::string& name, const std::string& text) { directory_.Write(name, text); }
  void Remove(const std::string& name) { std::filesystem::remove_all(directory_.PathOf(name)); }
  /// What `looks` looks did.
  std::vector<std::string> Look(int looks = 2) {
    done_.clear();
    for (int i = 0; i < looks; ++i) watch_->Look();
    return done_;
  }
  std::string Version(const std::string& name) {
    const auto model = repository_->Get(name);
    return model.ok() ? (*model)->version : "";
  }

  testing::TemporaryDirectory directory_;
  testing::FakeMetrics metrics_;
  ThreadPool threads_{1};
  BatchScheduler scheduler_{Clock::Real()};
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<RepositoryWatch> watch_;
  std::vector<std::string> done_;
};

TEST_F(RepositoryWatchTest, NothingNewNothingDone) { EXPECT_THAT(Look(3), IsEmpty()); }

TEST_F(RepositoryWatchTest, ANewFolderIsLoadedOnceItStaysAsItIs) {
  Write("new/config.json", "{}");
  EXPECT_THAT(Look(1), IsEmpty());
  Write("new/model.safetensors", "more");
  EXPECT_THAT(Look(1), IsEmpty()) << "it is still being copied";
  EXPECT_THAT(Look(1), ElementsAre("new loaded"));
  EXPECT_THAT(Look(3), IsEmpty());
  EXPECT_EQ(Version("new"), "1");
}

TEST_F(RepositoryWatchTest, ANewVersionTakesTheOldOnesPlace) {
  Write("versions/1/config.json", "{}");
  EXPECT_THAT(Look(), ElementsAre("versions loaded"));
  Write("versions/3/config.json", "{}");
  EXPECT_THAT(Look(), ElementsAre("versions loaded"));
  EXPECT_EQ(Version("versions"), "3");
  Remove("versions/3");
  EXPECT_THAT(Look(), ElementsAre("versions loaded")) << "back to the one before";
  EXPECT_EQ(Version("versions"), "1");
}

TEST_F(RepositoryWatchTest, ABrokenVersionIsTriedOnceAndTheOldServesOn) {
  Write("old/broken", "");
  EXPECT_THAT(Look(), ElementsAre("old loaded failed"));
  EXPECT_THAT(Look(3), IsEmpty());
  EXPECT_EQ(Version("old"), "1");
  Remove("old/broken");
  EXPECT_THAT(Look(), ElementsAre("old loaded"));
}

TEST_F(RepositoryWatchTest, WhatHasGoneIsUnloaded) {
  Remove("old");
  EXPECT_THAT(Look(), ElementsAre("old unloaded"));
  EXPECT_EQ(repository_->Get("old").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Look(3), IsEmpty());
  Write("old/config.json", "{}");
  EXPECT_THAT(Look(), ElementsAre("old loaded"));
}

TEST_F(RepositoryWatchTest, AFolderThatCannotBeReadUnloadsNothing) {
  const std::string hidden = directory_.path() + "-away";
  std::filesystem::rename(directory_.path(), hidden);
  EXPECT_THAT(Look(3), IsEmpty());
  std::filesystem::rename(hidden, directory_.path());
  EXPECT_EQ(Version("old"), "1");
}

}  // namespace
}  // namespace attentiond
