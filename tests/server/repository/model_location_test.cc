#include "server/repository/model_location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryDirectory;

TEST(ModelNameTest, AcceptsPlainNames) {
  for (const char* name : {"a", "bert-base_uncased.v2", "a b", ".hidden", "1"}) {
    EXPECT_TRUE(CheckModelName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckModelName(std::string(128, 'x')).ok());
}

TEST(ModelNameTest, RefusesWhatIsNotPlain) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("../etc"),
        std::string("a/b"), std::string("/etc"), std::string("a\\b"), std::string("a..b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f"),
        std::string("caf\xc3\xa9"), std::string(129, 'x')}) {
    EXPECT_EQ(CheckModelName(name).code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

class ModelLocationTest : public ::testing::Test {
 protected:
  void Link(const std::string& to, const std::string& from) {
    std::filesystem::create_symlink(to, from);
  }

  TemporaryDirectory root_;
};

TEST_F(ModelLocationTest, APlainFolderIsVersionOne) {
  root_.Write("m/config.json", "{}");
  const auto location = LocateModelIn(root_.path(), "m");
  ASSERT_TRUE(location.ok()) << location.status();
  EXPECT_EQ(location->directory, root_.PathOf("m"));
  EXPECT_EQ(location->version, "1");
}

TEST_F(ModelLocationTest, TheLargestNumberIsTheNewest) {
  for (const char* version : {"2", "10", "9"}) {
    root_.Write(std::string("m/") + version + "/config.json", "{}");
  }
  const auto location = LocateModelIn(root_.path(), "m");
  ASSERT_TRUE(location.ok()) << location.status();
  EXPECT_EQ(location->directory, root_.PathOf("m/10"));
  EXPECT_EQ(location->version, "10");
}

TEST_F(ModelLocationTest, OnlyDecimalNumbersAreVersions) {
  for (const char* folder :
       {"0", "007", "+3", "3a", "v4", "-5", "0x6", "99999999999999999999", " 7"}) {
    root_.Write(std::string("m/") + folder + "/config.json", "{}");
  }
  EXPECT_EQ(LocateModelIn(root_.path(), "m").status().code(), absl::StatusCode::kNotFound);
  root_.Write("m/1/config.json", "{}");
  EXPECT_EQ(LocateModelIn(root_.path(), "m")->version, "1");
}

TEST_F(ModelLocationTest, AVersionWithoutConfigIsNone) {
  root_.Write("m/1/config.json", "{}");
  root_.Write("m/2/model.safetensors", "");
  EXPECT_EQ(LocateModelIn(root_.path(), "m")->version, "1");
}

TEST_F(ModelLocationTest, NamesWhatIsMissing) {
  const auto absent = LocateModelIn(root_.path(), "m");
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.status().message()), HasSubstr("m: no such directory"));
  root_.Write("m/readme", "");
  const auto empty = LocateModelIn(root_.path(), "m");
  EXPECT_EQ(empty.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(empty.status().message()), HasSubstr("config.json"));
  EXPECT_EQ(LocateModelIn(root_.PathOf("absent"), "m").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ModelLocationTest, NamesCannotLeaveTheRepository) {
  root_.Write("outside/config.json", "{}");
  root_.Write("models/m/config.json", "{}");
  EXPECT_EQ(LocateModelIn(root_.PathOf("models"), "../outside").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ModelLocationTest, LinksInsideTheRepositoryAreFollowed) {
  root_.Write("models/m/config.json", "{}");
  Link(root_.PathOf("models/m"), root_.PathOf("models/alias"));
  EXPECT_TRUE(LocateModelIn(root_.PathOf("models"), "alias").ok());
}

// The repository itself may be a link: what counts is where it leads.
TEST_F(ModelLocationTest, TheRepositoryMayBeALink) {
  root_.Write("models/m/config.json", "{}");
  Link(root_.PathOf("models"), root_.PathOf("link"));
  EXPECT_TRUE(LocateModelIn(root_.PathOf("link"), "m").ok());
}

TEST_F(ModelLocationTest, LinksThatLeadOutAreRefused) {
  root_.Write("outside/config.json", "{}");
  root_.Write("outside/2/config.json", "{}");
  root_.Write("models/file/config.json", "{}");
  root_.Write("models/version/readme", "");
  root_.Write("models2/config.json", "{}");  // "models" is a prefix of its path, not its parent
  const std::string models = root_.PathOf("models");
  Link(root_.PathOf("outside"), models + "/folder");
  Link("../../outside/config.json", models + "/file/model.safetensors");
  Link(root_.PathOf("outside/2"), models + "/version/2");
  Link(root_.PathOf("models2"), models + "/prefix");
  for (const char* name : {"folder", "file", "version", "prefix"}) {
    const auto location = LocateModelIn(models, name);
    EXPECT_EQ(location.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(location.status().message()), HasSubstr("leads out")) << name;
  }
}

TEST_F(ModelLocationTest, DanglingLinksAreRefused) {
  root_.Write("m/config.json", "{}");
  Link(root_.PathOf("nowhere"), root_.PathOf("m/model.safetensors"));
  EXPECT_EQ(LocateModelIn(root_.path(), "m").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ModelLocationTest, ANamedDirectoryMayLeadAnywhere) {
  root_.Write("blobs/config", "{}");
  std::filesystem::create_directory(root_.PathOf("snapshot"));
  Link("../blobs/config", root_.PathOf("snapshot/config.json"));
  EXPECT_TRUE(LocateModel(root_.PathOf("snapshot")).ok());
}

TEST_F(ModelLocationTest, ListsModelsOfBothLayouts) {
  root_.Write("b/config.json", "{}");
  root_.Write("a/3/config.json", "{}");
  root_.Write("no-model/readme", "");
  root_.Write("file", "");
  const auto names = ListModels(root_.path());
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_THAT(*names, ElementsAre("a", "b"));
}

TEST_F(ModelLocationTest, AnEmptyRepositoryIsNoError) {
  const auto names = ListModels(root_.path());
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_THAT(*names, IsEmpty());
}

TEST_F(ModelLocationTest, AMissingRepositoryIsAnError) {
  EXPECT_EQ(ListModels(root_.PathOf("absent")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ListModels(root_.Write("file", "")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace attentiond
