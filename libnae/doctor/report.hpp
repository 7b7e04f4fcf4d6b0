// Report: what a doctor looked at, and what it found there.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "libnae/doctor/finding.hpp"

namespace nae::doctor {

class Report {
 public:
  // `subject`: what was looked at, "certificate /etc/nae/db1.pem". `detail` says what was seen.
  void found(Finding finding, std::string subject, std::string detail = {});
  void good(std::string subject, std::string detail = {});

  // 0, or 1 when a finding is of severity error.
  int exit_code() const;
  // A line for each check, and what mends it below. Control characters are escaped: names and
  // messages come from elsewhere.
  void print(std::ostream& out) const;
  // {"worst": "ok", "checks": [{"severity", "subject", "detail", and of findings "code", "text",
  // "remedy"}], "next": ...}
  void print_json(std::ostream& out) const;

 private:
  struct Line {
    const FindingRow* row = nullptr;  // nullptr: good
    std::string subject, detail;
  };
  Severity worst() const;

  std::vector<Line> lines_;
};

}  // namespace nae::doctor
