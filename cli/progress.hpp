// Progress of work that takes long, for a person at a terminal: one line on standard error that is
// written over itself and gone in the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace nae::cli {

// "12,000 of 60,000 records, 20 %, 8 s left". `elapsed_s` since the first of `done` was begun; what
// is left is told from two seconds on, and only of a known total (0: not known).
std::string progress_line(const std::string& unit, std::uint64_t done, std::uint64_t total,
                          double elapsed_s);

class Progress {
 public:
  // Whether somebody would see it: standard error is a terminal.
  static bool is_seen();
  // And nothing but it, where the command prints as it goes: standard output is none.
  static bool is_wanted();

  // `shown`: one of these.
  Progress(std::ostream& err, std::string unit, std::uint64_t total, bool shown);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // At most twice a second on the terminal.
  void at(std::uint64_t done);

 private:
  using Clock = std::chrono::steady_clock;

  std::ostream& err_;
  const std::string unit_;
  const std::uint64_t total_;
  const bool shown_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point told_ = begun_;
  bool on_screen_ = false;
};

}  // namespace nae::cli
