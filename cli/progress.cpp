#include "cli/progress.hpp"

#include <unistd.h>

#include <cmath>
#include <ostream>

namespace nae::cli {
namespace {

constexpr double kFirstGuess_s = 2;
constexpr std::chrono::milliseconds kBetweenLines(500);

std::string with_commas(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

// "8 s", "3 min", "2 h 5 min"
std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 120) return std::to_string(whole) + " s";
  const std::uint64_t minutes = (whole + 30) / 60;
  if (minutes < 120) return std::to_string(minutes) + " min";
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

}  // namespace

std::string progress_line(const std::string& unit, std::uint64_t done, std::uint64_t total,
                          double elapsed_s) {
  if (total == 0) return with_commas(done) + " " + unit;
  if (done > total) total = done;  // it grew meanwhile
  std::string line = with_commas(done) + " of " + with_commas(total) + " " + unit + ", " +
                     std::to_string(done * 100 / total) + " %";
  if (elapsed_s < kFirstGuess_s || done == 0) return line;
  return line + ", " +
         duration(elapsed_s * static_cast<double>(total - done) / static_cast<double>(done)) +
         " left";
}

bool Progress::is_seen() {
  return ::isatty(STDERR_FILENO) == 1;
}

bool Progress::is_wanted() {
  return is_seen() && ::isatty(STDOUT_FILENO) != 1;
}

Progress::Progress(std::ostream& err, std::string unit, std::uint64_t total, bool shown)
    : err_(err), unit_(std::move(unit)), total_(total), shown_(shown) {}

Progress::~Progress() {
  if (on_screen_) err_ << "\r\x1b[K" << std::flush;
}

void Progress::at(std::uint64_t done) {
  const auto now = Clock::now();
  if (!shown_ || now - told_ < kBetweenLines) return;
  told_ = now;
  on_screen_ = true;
  const double elapsed_s = std::chrono::duration<double>(now - begun_).count();
  err_ << '\r' << progress_line(unit_, done, total_, elapsed_s) << "\x1b[K" << std::flush;
}

}  // namespace nae::cli
