#include "core/weights/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/testing/safetensors_bytes.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

namespace fs = std::filesystem;
using ::attentiond::testing::SafetensorsBytes;
using ::attentiond::testing::TemporaryDirectory;

constexpr char kIndexName[] = "model.safetensors.index.json";

// A file with one f32 [1] tensor of this name.
std::string OneTensor(const std::string& name) {
  return SafetensorsBytes("{\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                          std::string(4, '\0'));
}

std::string Index(const std::string& weight_map) {
  return R"({"metadata":{"total_size":8},"weight_map":)" + weight_map + "}";
}

// A directory with a config, two shards and their index, which tests then break.
class ShardedCheckpointTest : public ::testing::Test {
 protected:
  ShardedCheckpointTest() {
    directory_.Write("config.json", R"({"model_type":"bert"})");
    directory_.Write("s1", OneTensor("a"));
    directory_.Write("s2", OneTensor("b"));
    directory_.Write(kIndexName, Index(R"({"a":"s1","b":"s2"})"));
  }

  void ExpectRefused(const std::string& file, const std::string& message) {
    EXPECT_EQ(Checkpoint::Open(directory_.path()).status(),
              absl::InvalidArgumentError(directory_.PathOf(file) + ": " + message));
  }

  TemporaryDirectory directory_;
};

TEST(CheckpointTest, OpensTheGoldenModel) {
  const std::string directory = ATTENTIOND_SOURCE_DIR "/tests/golden/bert-classify";
  const auto checkpoint = Checkpoint::Open(directory);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->directory(), directory);
  EXPECT_EQ((*checkpoint)->config().at("model_type"), "bert");
  const std::string name = "bert.embeddings.word_embeddings.weight";
  EXPECT_TRUE((*checkpoint)->Has(name));
  const auto view = (*checkpoint)->Get(name, {1200, 64});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->dtype, DType::kF32);
}

TEST(CheckpointTest, GetNamesTensorFoundAndRequired) {
  const TemporaryDirectory directory;
  directory.Write("config.json", "{}");
  directory.Write("model.safetensors",
                  SafetensorsBytes(R"({"i":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},)"
                                   R"("f":{"dtype":"BF16","shape":[2,1],"data_offsets":[4,8]}})",
                                   std::string(8, '\0')));
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_TRUE((*checkpoint)->Get("f", {2, 1}).ok());
  EXPECT_EQ((*checkpoint)->Get("f", {1, 2}).status(),
            absl::InvalidArgumentError(directory.path() +
                                       ": tensor \"f\" [1, 2] is required, it has shape [2, 1]"));
  EXPECT_EQ((*checkpoint)->Get("i", {1}).status(),
            absl::InvalidArgumentError(directory.path() +
                                       ": tensor \"i\" [1] is i32, f32, f16 or bf16 is required"));
  EXPECT_EQ((*checkpoint)->Get("x", {3}).status(),
            absl::InvalidArgumentError(
                directory.path() + ": tensor \"x\" [3] is required, there is none of that name"));
}

TEST(CheckpointTest, SaysWhatIsNotThere) {
  const TemporaryDirectory directory;
  const std::string& path = directory.path();
  EXPECT_EQ(Checkpoint::Open(path + "/none").status(),
            absl::NotFoundError(path + "/none: no such directory"));
  EXPECT_EQ(Checkpoint::Open(path).status(),
            absl::NotFoundError(path + "/config.json: no such file"));
  directory.Write("config.json", "{}");
  EXPECT_EQ(
      Checkpoint::Open(path).status(),
      absl::NotFoundError(path + ": no model.safetensors and no model.safetensors.index.json"));
  directory.Write("pytorch_model.bin", "");
  EXPECT_EQ(
      Checkpoint::Open(path).status(),
      absl::NotFoundError(path + ": no model.safetensors, only pytorch_model.bin: convert it once, "
                                 "with transformers' model.save_pretrained(directory, "
                                 "safe_serialization=True)"));
}

TEST(CheckpointTest, ForwardsTheErrorsOfItsFiles) {
  const TemporaryDirectory directory;
  directory.Write("config.json", "[]");
  EXPECT_EQ(Checkpoint::Open(directory.path()).status(),
            absl::InvalidArgumentError(directory.PathOf("config.json") +
                                       ": the root is an array, an object is required"));
  directory.Write("config.json", "{}");
  directory.Write("model.safetensors", "");
  EXPECT_EQ(Checkpoint::Open(directory.path()).status(),
            absl::InvalidArgumentError(directory.PathOf("model.safetensors") +
                                       ": has 0 bytes, too short for the 8-byte header length"));
}

TEST_F(ShardedCheckpointTest, JoinsTheShards) {
  const auto checkpoint = Checkpoint::Open(directory_.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ((*checkpoint)->tensors().size(), 2u);
  EXPECT_TRUE((*checkpoint)->Get("a", {1}).ok());
  EXPECT_TRUE((*checkpoint)->Get("b", {1}).ok());
}

TEST_F(ShardedCheckpointTest, RefusesABrokenIndex) {
  const std::string no_map = "\"weight_map\" is not an object that names a tensor";
  directory_.Write(kIndexName, "{}");
  ExpectRefused(kIndexName, no_map);
  directory_.Write(kIndexName, Index("[]"));
  ExpectRefused(kIndexName, no_map);
  directory_.Write(kIndexName, Index("{}"));
  ExpectRefused(kIndexName, no_map);
  directory_.Write(kIndexName, Index(R"({"a":1})"));
  ExpectRefused(kIndexName, "the shard of tensor \"a\" is not a string");
}

TEST_F(ShardedCheckpointTest, RefusesAnAbsurdNumberOfShards) {
  nlohmann::json weight_map = nlohmann::json::object();
  for (int i = 0; i < 4097; ++i) weight_map["t" + std::to_string(i)] = "s" + std::to_string(i);
  directory_.Write(kIndexName, Index(weight_map.dump()));
  ExpectRefused(kIndexName, "names 4097 shards, at most 4096 are allowed");
}

TEST_F(ShardedCheckpointTest, RefusesAShardThatIsMissing) {
  fs::remove(directory_.PathOf("s2"));
  EXPECT_EQ(Checkpoint::Open(directory_.path()).status(),
            absl::NotFoundError(directory_.PathOf("s2") + ": no such file"));
}

TEST_F(ShardedCheckpointTest, IndexAndShardsNameTheSameTensors) {
  directory_.Write(kIndexName, Index(R"({"a":"s1","b":"s2","c":"s2"})"));
  ExpectRefused("s2", "tensor \"c\" is missing, model.safetensors.index.json places it there");
  directory_.Write(kIndexName, Index(R"({"a":"s1","c":"s2"})"));
  ExpectRefused("s2", "tensor \"b\" is not in model.safetensors.index.json");
  directory_.Write(kIndexName, Index(R"({"a":"s1","b":"s2"})"));
  directory_.Write("s2", OneTensor("a"));
  ExpectRefused("s2", "tensor \"a\" is in \"s1\" too");
}

TEST_F(ShardedCheckpointTest, ShardNamesArePlain) {
  const TemporaryDirectory elsewhere;
  elsewhere.Write("s2", OneTensor("b"));
  for (const std::string& name :
       {std::string(""), std::string("."), std::string(".."), std::string("../s2"),
        elsewhere.PathOf("s2"), std::string("x/s2"), std::string("x\\\\s2")}) {
    directory_.Write(kIndexName, Index(R"({"a":"s1","b":")" + name + "\"}"));
    ExpectRefused(kIndexName, "shard \"" + name + "\" is not a plain file name");
  }
  directory_.Write(kIndexName, Index(R"({"a":"s1","b":"s2\u0000"})"));
  ExpectRefused(kIndexName, R"(shard "s2\000" is not a plain file name)");
}

TEST_F(ShardedCheckpointTest, LinksStayInTheDirectory) {
  const TemporaryDirectory elsewhere;
  elsewhere.Write("s2", OneTensor("b"));
  fs::remove(directory_.PathOf("s2"));
  fs::create_symlink(elsewhere.PathOf("s2"), directory_.PathOf("s2"));
  ExpectRefused(kIndexName, "shard \"s2\" is a symbolic link that leaves the directory");

  fs::remove(directory_.PathOf("s2"));
  directory_.Write("real", OneTensor("b"));
  fs::create_symlink("real", directory_.PathOf("s2"));
  EXPECT_TRUE(Checkpoint::Open(directory_.path()).ok());
}

TEST(CheckpointTest, OpensTheHuggingFaceCacheLayout) {
  const TemporaryDirectory repository;
  repository.Write("blobs/1", R"({"model_type":"bert"})");
  repository.Write("blobs/2", Index(R"({"a":"s1"})"));
  repository.Write("blobs/3", OneTensor("a"));
  fs::create_directories(repository.PathOf("snapshots/main"));
  fs::create_symlink("../../blobs/1", repository.PathOf("snapshots/main/config.json"));
  fs::create_symlink("../../blobs/2", repository.PathOf("snapshots/main/") + kIndexName);
  fs::create_symlink("../../blobs/3", repository.PathOf("snapshots/main/s1"));
  const auto checkpoint = Checkpoint::Open(repository.PathOf("snapshots/main"));
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
}

}  // namespace
}  // namespace attentiond
