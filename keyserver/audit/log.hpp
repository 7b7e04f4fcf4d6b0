// The audit log: a directory of chained segments, appended to by every connection thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "keyserver/audit/batch.hpp"
#include "keyserver/audit/directory_state.hpp"
#include "keyserver/audit/head_keeper.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::audit {

enum class Durability {
  write,  // append() returns when the kernel has the records: they survive the death of the process
  fsync,  // append() returns when the disk has the records: they survive the death of the machine
};

enum class OnFailure {
  refuse,              // append() fails, and the caller refuses the request
  alarm_and_continue,  // append() succeeds, the log counts what it lost and records that later
};

// Signs the canonical bytes of a chain head: ECDSA P-256 with SHA-256, DER encoded. May block.
using HeadSigner = std::function<Result<Bytes>(ByteView)>;

inline constexpr std::uint64_t kDefaultSegmentBytes = 64u << 20;

struct LogOptions {
  std::filesystem::path directory;  // exists, belongs to the server alone (0700)
  Durability durability = Durability::write;
  OnFailure on_failure = OnFailure::refuse;
  std::uint64_t segment_bytes = kDefaultSegmentBytes;  // a segment that reached it is closed
  // Of the disk's free space, kept for what administrators do when requests have filled the rest;
  // at most a sixteenth of the disk.
  std::uint64_t reserve_bytes = 0;
  HeadSigner sign;             // empty: heads are not written
  std::string public_key_pem;  // of `sign`: the head found at open must verify; empty: not checked
  // What the store had come to, for the heads: asked when one is signed. Empty: they do not say.
  std::function<StorePoint()> store_point;
  // Asked at open, when the log itself was found sound, and before anything is cut, written or
  // signed: what it refuses is refused at the next open, too. Empty: nothing is asked.
  std::function<Result<void>()> check_start;
  // Called when so many records are newer than the head, under the log's lock: somebody should
  // call sign_head() soon. 0: never.
  std::uint64_t head_records = 0;
  std::function<void()> head_due;
  // Called when the log begins to fail, under its lock: somebody should ask health() soon.
  std::function<void()> alarm;
  // Outlives the log. It is told of a new head at most once in `keep_interval_us`, and at the end.
  HeadKeeper* head_keeper = nullptr;
  std::int64_t keep_interval_us = 1'000'000;
  std::function<std::int64_t()> now_us;     // empty: the system's clock
  std::function<Result<DiskSpace>()> disk;  // empty: check_directory()
};

struct LogHealth {
  bool writable = true;
  std::string problem;                // the last failure while not writable
  std::uint64_t outages = 0;          // begun since open
  std::uint64_t last_seq = 0;         // newest record
  std::uint64_t head_seq = 0;         // newest record that a signed head covers
  std::uint64_t refused_records = 0;  // since open: not written, request refused
  std::uint64_t lost_records = 0;     // since open: not written, request served
  std::int64_t newest_at_us = 0;      // at open: the date of the newest record; 0: there was none
  bool interrupted = false;           // at open: the log has records, and none of its writer's stop
};

class Log {
 public:
  // Takes the directory for this process (Code::conflict when another has it), verifies the last
  // segment, cuts off the torn line of a crash and continues the chain. Code::audit_broken when
  // a complete record does not verify, the log ends before its signed head or before the one that
  // the keeper knows, or that one is another record. Codes of check_start. What is refused
  // here has signed nothing; a log without a head then gets one.
  static Result<std::unique_ptr<Log>> open(LogOptions options);

  // Signs a last head.
  virtual ~Log() = default;

  // Writes all records or none, in order, with one write(2). Thread-safe. Only after success may
  // the answers leave. Code::audit_unavailable when they could not be written, or somebody else
  // changed the newest segment; later calls try again, so the log recovers by itself when its
  // directory does.
  virtual Result<void> append(const Batch& batch) = 0;
  // The same for requests of programs, which leave the reserve alone. Without records it fails when
  // none could be written.
  virtual Result<void> append_requests(const Batch& batch) = 0;

  // Makes the records durable, signs the newest one and replaces head.json; signs the ends of
  // segments closed since. Nothing to do when the head is current.
  virtual Result<void> sign_head() = 0;

  // For a timer, once a second: finds out without a request that the newest segment was changed,
  // the directory is read-only or its disk full, and goes on by itself when it is well again.
  virtual Result<void> watch() = 0;

  virtual LogHealth health() const = 0;
};

}  // namespace nae::audit
