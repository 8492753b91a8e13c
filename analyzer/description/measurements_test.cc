#include "analyzer/description/measurements.h"

#include <string>
#include <vector>

#include "analyzer/testing/files.h"
#include "analyzer/testing/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tokenjoule {
namespace {

using ::testing::HasSubstr;

std::string Error(const std::string& text) {
  return ErrorOf(ParseMeasurementsCsv(text, "m.csv"));
}

TEST(MeasurementsTest, CellsAreFieldsInTheOrderOfTheHeader) {
  const MeasurementSet set = OrDie(ParseMeasurementsCsv(
      "model,batch,source,device,itl_ms,note\n"
      "llama-3.1-8b,8,\"Someone, 2025\",h100-sxm,7.5,\"said \"\"so\"\"\"\r\n"
      "\n"
      "qwen3-8b,1,x,b200,,\n",
      "m.csv"));
  ASSERT_EQ(set.row_size(), 2);
  EXPECT_EQ(set.row(0).source(), "Someone, 2025");
  EXPECT_EQ(set.row(0).itl_ms(), 7.5);
  EXPECT_EQ(set.row(0).note(), "said \"so\"");
  EXPECT_EQ(set.row(1).model(), "qwen3-8b");
  // An empty cell was not measured.
  EXPECT_FALSE(set.row(1).has_itl_ms());
}

TEST(MeasurementsTest, QuotedCellsMayHoldLineBreaks) {
  const MeasurementSet set = OrDie(ParseMeasurementsCsv(
      "source,model,device,batch\n\"two\nlines\",m,d,1\n", "m.csv"));
  EXPECT_EQ(set.row(0).source(), "two\nlines");
}

TEST(MeasurementsTest, QuotationMarksThatDoNotMatchAreFaultsWhereTheyOpen) {
  // The rest of the file would be one cell, and its rows would be lost.
  EXPECT_EQ(Error("source,model,device,batch\n"
                  "s,m,d,1\n"
                  "s,\"m,d,1\n"
                  "s,m,d,2\n"),
            "m.csv:3:3: this quotation mark is never closed");
  EXPECT_EQ(Error("source,model,device,batch\n\"s\"x,m,d,1\n"),
            "m.csv:2:4: text after a closing quotation mark; a mark within a "
            "quoted cell is written twice");
  // A mark within bare text is that text.
  EXPECT_EQ(OrDie(ParseMeasurementsCsv(
                      "source,model,device,batch\n5\" disk,m,d,1\n", "m.csv"))
                .row(0)
                .source(),
            "5\" disk");
}

TEST(MeasurementsTest, AColumnIsThereOnceAndAFileHasRows) {
  EXPECT_EQ(Error("source,model,device,batch,batch\ns,m,d,1,2\n"),
            "m.csv:1:27: batch: is a column twice; remove one");
  EXPECT_EQ(Error("source,model,device,batch\n"), "m.csv: has a header but no rows");
}

TEST(MeasurementsTest, NotesSayThatTheHostSetThePace) {
  const MeasurementSet set =
      OrDie(ParseMeasurementsCsv("source,model,device,batch,note\n"
                                 "s,m,d,1,likely host-bound (low power)\n"
                                 "s,m,d,1,pure decode\n",
                                 "rows.csv"));
  EXPECT_TRUE(set.row(0).host_bound());
  EXPECT_FALSE(set.row(1).host_bound());
}

TEST(MeasurementsTest, SourcesAndNotesSayThatCodeIsEager) {
  const MeasurementSet set =
      OrDie(ParseMeasurementsCsv("source,model,device,batch,note\n"
                                 "HF eager,m,d,1,\n"
                                 "s,m,d,1,eager software\n"
                                 "s,m,d,1,captured graphs\n",
                                 "rows.csv"));
  EXPECT_TRUE(set.row(0).eager());
  EXPECT_TRUE(set.row(1).eager());
  EXPECT_FALSE(set.row(2).eager());
}

TEST(MeasurementsTest, NotesSayThatABatchWasStaticOrIsNotCertain) {
  const MeasurementSet set =
      OrDie(ParseMeasurementsCsv("source,model,device,batch,note\n"
                                 "s,m,d,1,a static batch of 8\n"
                                 "s,m,d,1,time of the one prefill and decode\n"
                                 "s,m,d,1,batch not published\n"
                                 "s,m,d,1,probably fp8\n"
                                 "s,m,d,1,pure decode\n",
                                 "rows.csv"));
  ASSERT_EQ(set.row_size(), 5);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(set.row(i).static_batch(), i < 2) << i;
    EXPECT_EQ(set.row(i).uncertain(), i == 2 || i == 3) << i;
  }
}

TEST(MeasurementsTest, RowsTakeTheFieldsOfTheirFileThatTheyDoNotGive) {
  const std::string path = TempPath("rows.textproto");
  Write(path, R"(description: "d"
defaults { source: "s" device: "h100-sxm" software: "vllm 0.11" batch: 8 }
row { model: "a" itl_ms: 5 }
row { model: "b" batch: 16 software: "sglang" }
)");
  const MeasurementSet set = OrDie(LoadMeasurements(path));
  ASSERT_EQ(set.row_size(), 2);
  EXPECT_FALSE(set.has_defaults());
  EXPECT_EQ(set.row(0).device(), "h100-sxm");
  EXPECT_EQ(set.row(0).software(), "vllm 0.11");
  EXPECT_EQ(set.row(0).batch(), 8);
  EXPECT_EQ(set.row(0).itl_ms(), 5);
  EXPECT_EQ(set.row(1).batch(), 16);
  EXPECT_EQ(set.row(1).software(), "sglang");
  EXPECT_FALSE(set.row(1).has_itl_ms());
  // What neither gives is missing.
  Write(path, "defaults { source: \"s\" batch: 8 }\nrow { model: \"a\" }\n");
  EXPECT_THAT(ErrorOf(LoadMeasurements(path)),
              HasSubstr("row[0].device: is missing"));
}

TEST(MeasurementsTest, SeveralFilesAreOneSet) {
  std::vector<std::string> files;
  for (const std::string& model : {std::string("a"), std::string("b")}) {
    files.push_back(TempPath(model + ".csv"));
    Write(files.back(), "source,model,device,batch\ns," + model + ",d,1\n");
  }
  const MeasurementSet set = OrDie(LoadMeasurements(files));
  ASSERT_EQ(set.row_size(), 2);
  EXPECT_EQ(set.row(0).model(), "a");
  EXPECT_EQ(set.row(1).model(), "b");
  EXPECT_EQ(set.description(), "2 files");
  // The faults of all files.
  files.push_back(TempPath("none.csv"));
  Write(files[0], "source,model,device,bacth\n");
  const std::string error = ErrorOf(LoadMeasurements(files));
  EXPECT_THAT(error, HasSubstr("did you mean \"batch\"?"));
  EXPECT_THAT(error, HasSubstr("none.csv"));
}

TEST(MeasurementsTest, EveryFaultIsReportedWithItsPlace) {
  const std::string error = Error(
      "source,model,device,batch,itl_ms\n"
      "s,m,d,many,1\n"
      "s,m,d,0,-1\n"
      "s,m,d,1\n");
  EXPECT_THAT(error, HasSubstr("m.csv:2:7: batch: expected a number"));
  EXPECT_THAT(error, HasSubstr("m.csv:3:1: batch: "));
  EXPECT_THAT(error, HasSubstr("m.csv:3:1: itl_ms: -1 is out of range"));
  EXPECT_THAT(error, HasSubstr("m.csv:4:1: has 4 cells; the header has 5"));
}

TEST(MeasurementsTest, UnknownColumnsOfferTheNearest) {
  EXPECT_THAT(Error("source,model,device,bacth\n"),
              HasSubstr("m.csv:1:21: unknown column \"bacth\"; did you mean "
                        "\"batch\"?"));
}

TEST(MeasurementsTest, NothingIsNoTable) {
  EXPECT_THAT(Error(""), HasSubstr("is empty"));
  EXPECT_THAT(Error("\n\n"), HasSubstr("is empty"));
}

TEST(MeasurementsTest, OddBytesNeverCrash) {
  for (const char* text :
       {"\"", "\"\"\"", ",", "source\n\"", "a\0b", "\r\r\r"}) {
    EXPECT_FALSE(ParseMeasurementsCsv(text, "m.csv").ok() &&
                 ParseMeasurementsCsv(text, "m.csv")->row_size() > 0);
  }
}

}  // namespace
}  // namespace tokenjoule
