// AuditChecker: proves the closed segments of the audit log in the background, one after the other,
// and says once when one does not verify any more: nobody may ask for months.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "keyserver/audit/log.hpp"
#include "keyserver/audit/segment_checks.hpp"

namespace nae::admin {

class AuditChecker {
 public:
  AuditChecker(audit::SegmentChecks& checks, audit::Log& log) : checks_(checks), log_(log) {}
  ~AuditChecker() { stop(); }
  void start();
  void stop();

 private:
  void run();
  void report();

  audit::SegmentChecks& checks_;
  audit::Log& log_;
  std::set<std::string> told_;  // files
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nae::admin
