#include "analyzer/description/documents.h"

#include <string>
#include <thread>

#include "analyzer/description/catalog.h"
#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

using Files = DocumentScope::Files;

TEST(DocumentsTest, AreReadUnderTheirNamesAndNothingElseIs) {
  const std::string path = TempPath("secret.textproto");
  Write(path, "secret");
  EXPECT_EQ(*ReadTextFile(path), "secret");
  const Documents documents = {{"mine.textproto", "text"}};
  {
    const DocumentScope scope(documents, Files::kClosed);
    EXPECT_FALSE(FilesAreOpen());
    EXPECT_EQ(*ReadTextFile("mine.textproto"), "text");
    EXPECT_THAT(ErrorOf(ReadTextFile(path)),
                HasSubstr("not among the documents of the request"));
    // Whether there is a file cannot be told.
    EXPECT_THAT(ErrorOf(ReadTextFile("/nowhere")),
                HasSubstr("not among the documents of the request"));
  }
  EXPECT_EQ(*ReadTextFile(path), "secret");
}

TEST(DocumentsTest, OpenScopesReadFilesThatNoDocumentReplaces) {
  const std::string path = TempPath("file.textproto");
  Write(path, "of the file");
  Documents documents;
  const DocumentScope outer(documents, Files::kClosed);
  {
    const DocumentScope inner(documents, Files::kOpen);
    EXPECT_EQ(*ReadTextFile(path), "of the file");
    documents[path] = "of the request";
    EXPECT_EQ(*ReadTextFile(path), "of the request");
  }
  EXPECT_FALSE(FilesAreOpen());
}

TEST(DocumentsTest, EveryPathThatNamesAFileIsClosed) {
  const std::string model = TempPath("model.textproto");
  Write(model, "name: \"x\"");
  const Documents none;
  const DocumentScope scope(none, Files::kClosed);
  const std::string closed = "not among the documents of the request";
  EXPECT_THAT(ErrorOf(LoadModel(model)),
              HasSubstr(closed));
  EXPECT_THAT(ErrorOf(LoadHardware(model)),
              HasSubstr(closed));
  EXPECT_THAT(ErrorOf(LoadRuntime(model)),
              HasSubstr(closed));
  EXPECT_THAT(ErrorOf(LoadBase(model)),
              HasSubstr(closed));
  EXPECT_THAT(ErrorOf(ReadSpaceText(model)),
              HasSubstr(closed));
  EXPECT_THAT(ErrorOf(ReadStudyText(model)),
              HasSubstr(closed));
}

TEST(DocumentsTest, BasesOfDocumentsAreDocuments) {
  const Documents documents = {
      {"mine.textproto", "name: \"mine\" base: \"other.textproto\""},
      {"other.textproto", "name: \"other\" base: \"h100-sxm\""},
      {"outside.textproto", "name: \"outside\" base: \"/etc/passwd.textproto\""},
      {"above.textproto", "name: \"above\" base: \"../above.textproto\""}};
  const DocumentScope scope(documents, Files::kClosed);
  EXPECT_EQ(OrDie(LoadHardware("mine.textproto")).name(), "mine");
  for (const char* name : {"outside.textproto", "above.textproto"}) {
    EXPECT_THAT(ErrorOf(LoadHardware(name)),
                HasSubstr("not among the documents of the request"));
  }
}

TEST(DocumentsTest, OtherThreadsHaveScopesOfTheirOwn) {
  const Documents documents = {{"a.textproto", "a"}};
  const DocumentScope scope(documents, Files::kClosed);
  bool open = false, found = true;
  std::thread other([&] {
    open = FilesAreOpen();
    found = FindDocument("a.textproto") != nullptr;
  });
  other.join();
  EXPECT_TRUE(open);
  EXPECT_FALSE(found);
}

// The last test, because nothing opens files again.
TEST(DocumentsTest, ZClosedForGoodHoldsForAllThreadsAndScopes) {
  CloseFilesForGood();
  const Documents documents = {{"a.textproto", "a"}};
  bool open = true;
  std::thread other([&] {
    const DocumentScope scope(documents, Files::kOpen);
    open = FilesAreOpen() || !ReadTextFile("a.textproto").ok();
  });
  other.join();
  EXPECT_FALSE(open);
}

}  // namespace
}  // namespace tokenjoule
