// A log in a directory of its own, with a real signing key: what the tests of this folder share.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "keyserver/audit/file.hpp"
#include "keyserver/audit/log.hpp"
#include "keyserver/audit/query.hpp"
#include "keyserver/audit/verify.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::audit {

inline constexpr std::int64_t kTestTimeUs = 1'700'000'000'123'456;

// Remembers one head, as the store does.
class MemoryKeeper final : public HeadKeeper {
 public:
  Result<std::optional<ChainPoint>> kept_head() override { return kept; }
  Result<void> keep_head(const ChainPoint& head) override {
    if (broken) return fail(Code::store_unavailable, "the disk is full");
    if (!kept || head.seq > kept->seq) kept = head;
    ++times;
    return {};
  }
  Result<void> forget_head() override {
    kept.reset();
    return {};
  }
  std::optional<ChainPoint> kept;
  int times = 0;
  bool broken = false;
};

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    char name[] = "/tmp/nae-audit-XXXXXX";
    directory_ = ::mkdtemp(name);
    auto pair = crypto::generate_p256();
    signer_ = *crypto::software_signer(pair->private_key_pem);
    public_key_ = crypto::PublicKey::from_der(pair->spki)->pem();
  }
  ~LogTest() override { std::filesystem::remove_all(directory_); }

  LogOptions options() const {
    LogOptions options;
    options.directory = directory_;
    options.sign = signer_;
    options.now_us = [] { return kTestTimeUs; };
    return options;
  }
  std::unique_ptr<Log> open_log() const { return open_log(options()); }
  std::unique_ptr<Log> open_log(LogOptions wanted) const {
    auto log = Log::open(std::move(wanted));
    EXPECT_TRUE(log) << log.error().message;
    return log ? std::move(*log) : nullptr;
  }
  Error open_failure() const {
    auto log = Log::open(options());
    return log ? Error(Code::internal, "opened") : log.error();
  }

  static Batch batch_of(std::size_t records, std::string_view key = "customer-pii") {
    ContextFragment context =
        render_context({"db1", "postgres", "shop", "analyst", "app", "app", "10.0.0.9", "psql"});
    Batch batch;
    for (std::size_t i = 0; i < records; ++i)
      batch.add(context, Record{kTestTimeUs, "decrypt", key, 1, 10, 0, "value", "allowed", "r", 7});
    return batch;
  }
  // A log of `records` request records after its segment records, closed and signed.
  void write_log(std::size_t records, std::uint64_t segment_bytes = kDefaultSegmentBytes) const {
    LogOptions wanted = options();
    wanted.segment_bytes = segment_bytes;
    auto log = open_log(wanted);
    for (std::size_t i = 0; i < records; ++i) ASSERT_TRUE(log->append(batch_of(1)));
  }

  std::vector<Segment> segments() const { return *list_segments(directory_); }
  std::filesystem::path segment(std::size_t index = 0) const { return segments().at(index).path; }

  static std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  static std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::vector<std::string> lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  static void write_lines(const std::filesystem::path& path,
                          const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    write(path, all);
  }

  VerifyReport verified() const {
    auto report = verify(directory_, public_key_);
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : VerifyReport{};
  }
  static std::string describe(const VerifyReport& report) {
    std::string text;
    for (const Finding& finding : report.findings)
      text += std::string(name(finding.fault)) + " " + finding.file + ":" +
              std::to_string(finding.line) + " seq " + std::to_string(finding.seq) + " " +
              finding.explanation + "\n";
    return text;
  }
  std::vector<StoredRecord> records(std::string event = {}) const {
    Filter filter;
    filter.event = std::move(event);
    filter.limit = SIZE_MAX;
    auto found = query(directory_, filter);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::vector<StoredRecord>{};
  }

  std::filesystem::path directory_;
  HeadSigner signer_;
  std::string public_key_;
};

}  // namespace nae::audit
